# SPDX-License-Identifier: Apache-2.0
"""Credit products: each one is a declaration file, checked whole when it is loaded."""

import difflib
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lichen.demo import HERE, expressions
from lichen.demo.expressions import Expression, ExpressionError
from lichen.errors import ConfigError

PRODUCTS_DIR: Final = HERE / "products"
LOAN_NAMES: Final = ("amount_eur", "term_months", "deferral_months")
"""Names that every product has without declaring them as fields."""

PICTURES: Final = (
    "hero", "workshop", "turbines", "solar", "harbour", "bakery", "greenhouse", "bridge", "street", "forest",
    "vineyard", "rails",
)  # fmt: skip


def _is_expression(text: str) -> str:
    try:
        expressions.parse(text)
    except ExpressionError as error:
        raise ValueError(f"`{text}` is no valid expression: {error}") from error
    return text


ExpressionText = Annotated[str, AfterValidator(_is_expression)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Percent = Annotated[Decimal, Field(ge=0, le=100)]


class Declaration(BaseModel):
    """Base of every part of a declaration: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Declaration):
    """One sentence or label in each language of the portal."""

    en: str = Field(min_length=1)
    fr: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        """Return the text in `language`, one of `LANGUAGES`."""
        return self.fr if language == "fr" else self.en


class Choice(Declaration):
    """One value of a choice field, with its label."""

    value: Key
    label: Text


class FieldSpec(Declaration):
    """A question to the applicant.

    `minimum` and `maximum` are in the unit of the field: whole euros for `money`.
    """

    name: Name
    type: Literal["money", "integer", "decimal", "text", "choice", "boolean"]
    step: Literal["company", "project"]
    label: Text
    help: Text
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = Field(default=200, ge=1, le=2000)
    choices: tuple[Choice, ...] = ()
    in_simulator: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`choices` belong to a field of type `choice`, which needs at least one")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("`minimum` is above `maximum`")
        return self


class Adjustment(Declaration):
    """Percentage points added to the annual rate when the condition holds."""

    when: ExpressionText
    percent_points: Decimal


class Loan(Declaration):
    """Limits of the loan (whole euros, months) and its nominal annual rate (percent)."""

    amount_min_eur: int = Field(ge=1)
    amount_max_eur: int
    amount_default_eur: int
    term_min_months: int = Field(ge=1)
    term_max_months: int = Field(le=480)
    term_default_months: int
    deferral_max_months: int = Field(default=0, ge=0)
    deferral_default_months: int = Field(default=0, ge=0)
    rate_annual_percent: Percent
    adjustments: tuple[Adjustment, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.amount_min_eur <= self.amount_default_eur <= self.amount_max_eur:
            raise ValueError("`amount_default_eur` must lie between `amount_min_eur` and `amount_max_eur`")
        if not self.term_min_months <= self.term_default_months <= self.term_max_months:
            raise ValueError("`term_default_months` must lie between `term_min_months` and `term_max_months`")
        if not self.deferral_default_months <= self.deferral_max_months < self.term_min_months + 1:
            raise ValueError("deferral months: default <= maximum <= `term_min_months` must hold")
        return self


class Tier(Declaration):
    """A share of guarantee (percent) for companies that meet the condition."""

    when: ExpressionText
    share_percent: Percent


class Guarantee(Declaration):
    """Share guaranteed, annual fee on that share (both percent), and the largest loan admitted (euros)."""

    share_percent: Percent
    fee_annual_percent: Percent
    ceiling_eur: ExpressionText
    tiers: tuple[Tier, ...] = ()


class Rule(Declaration):
    """What must hold (`refuse`, `review`) or earns points (`score`)."""

    id: Key
    effect: Literal["refuse", "review", "score"]
    expression: ExpressionText
    message: Text
    points: int = Field(default=0, ge=0, le=1000)


class DocumentSpec(Declaration):
    """A document asked from the applicant, with its media types and largest size in bytes."""

    kind: Key
    label: Text
    help: Text
    media_types: tuple[Literal["application/pdf", "image/png"], ...] = Field(min_length=1)
    max_bytes: int = Field(ge=1, le=5_000_000)
    required: bool = True


class Scoring(Declaration):
    """Points from which an application is approved without an analyst."""

    approve_at: int = Field(ge=0)


class Product(Declaration):
    """A credit product, as declared."""

    schema_version: Literal[1] = Field(alias="schema")
    key: Key
    picture: str
    order: int = 100
    title: Text
    summary: Text
    audience: Text
    highlights: tuple[Text, ...] = Field(min_length=1, max_length=5)
    loan: Loan
    guarantee: Guarantee
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    scoring: Scoring
    rules: tuple[Rule, ...] = Field(min_length=1)
    documents: tuple[DocumentSpec, ...] = ()

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        if self.picture not in PICTURES:
            raise ValueError(f"picture `{self.picture}` does not exist; {_nearest(self.picture, PICTURES)}")
        names = [*LOAN_NAMES, *(field.name for field in self.fields)]
        for label, values in (
            ("field", names),
            ("rule", [rule.id for rule in self.rules]),
            ("document", [document.kind for document in self.documents]),
        ):
            repeated = next((value for value in values if values.count(value) > 1), None)
            if repeated is not None:
                raise ValueError(f"{label} `{repeated}` is declared twice")
        for text in self._expression_texts():
            for name in sorted(expressions.parse(text).names - set(names)):
                raise ValueError(f"`{text}` reads the unknown field `{name}`; {_nearest(name, names)}")
        return self

    def _expression_texts(self) -> list[str]:
        return [
            self.guarantee.ceiling_eur,
            *(tier.when for tier in self.guarantee.tiers),
            *(adjustment.when for adjustment in self.loan.adjustments),
            *(rule.expression for rule in self.rules),
        ]

    def fields_of(self, step: str) -> tuple[FieldSpec, ...]:
        """Return the questions of one step of the application form."""
        return tuple(field for field in self.fields if field.step == step)

    @property
    def simulator_fields(self) -> tuple[FieldSpec, ...]:
        """The questions that the simulator asks besides amount, term and deferral."""
        return tuple(field for field in self.fields if field.in_simulator)

    def document(self, kind: str) -> DocumentSpec | None:
        """Return the document asked under `kind`, or None."""
        return next((document for document in self.documents if document.kind == kind), None)


@cache
def expression(text: str) -> Expression:
    """Parse an expression of a loaded product, which loading has already checked."""
    return expressions.parse(text)


def load(path: Path) -> Product:
    """Read one declaration.

    Args:
        path: a TOML file.

    Returns:
        The product.

    Raises:
        ConfigError: the file cannot be read or breaks the schema; the sentence names file, place and repair.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: the product declaration cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error}); correct the file.") from error
    try:
        return Product.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_sentence(error)}") from error


def load_all(directory: Path = PRODUCTS_DIR) -> dict[str, Product]:
    """Read every declaration of a folder.

    Args:
        directory: where the `*.toml` files lie.

    Returns:
        Products by key, in their declared order.

    Raises:
        ConfigError: no declaration, a bad one, or two with the same key.
    """
    products: dict[str, Product] = {}
    for path in sorted(directory.glob("*.toml")):
        product = load(path)
        if product.key in products:
            raise ConfigError(
                f"{path}: key `{product.key}` is taken by another product.",
                repair="Choose a new key.",
                culprit=str(path),
            )
        products[product.key] = product
    if not products:
        raise ConfigError(f"{directory}: no product declaration (*.toml) found.", repair="Add one.")
    return dict(sorted(products.items(), key=lambda item: (item[1].order, item[0])))


def _sentence(error: ValidationError) -> str:
    """Turn one finding of a validation into a sentence: place, problem, repair.

    An unknown key comes first: it is often the misspelling of one that is then missing.
    """
    findings = error.errors(include_url=False)
    first = next((finding for finding in findings if finding["type"] == "extra_forbidden"), findings[0])
    place = ".".join(str(part) for part in first["loc"]) or "the declaration"
    if first["type"] == "extra_forbidden":
        siblings = _siblings(first["loc"])
        return f"`{place}` is an unknown key; {_nearest(str(first['loc'][-1]), siblings)}."
    if first["type"] == "missing":
        return f"`{place}` is missing; add it."
    message = first["msg"].removeprefix("Value error, ")
    return f"`{place}`: {message[:1].lower()}{message[1:]}; correct it."


def _siblings(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed where an unknown key was found."""
    model: type[BaseModel] = Product
    for part in location[:-1]:
        if isinstance(part, str):
            model = _PARTS.get(part, model)
    return [field.alias or name for name, field in model.model_fields.items()]


_PARTS: Final[dict[str, type[BaseModel]]] = {
    "loan": Loan, "adjustments": Adjustment, "guarantee": Guarantee, "tiers": Tier, "fields": FieldSpec,
    "choices": Choice, "rules": Rule, "documents": DocumentSpec, "scoring": Scoring, "title": Text,
    "summary": Text, "audience": Text, "highlights": Text, "label": Text, "help": Text, "message": Text,
}  # fmt: skip


def _nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Say which known name was probably meant, or which names there are."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"use one of {', '.join(known)}"
