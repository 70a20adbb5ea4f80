// SPDX-License-Identifier: Apache-2.0
describe("shop", () => {
  beforeEach(() => {
    cy.visit("/shop.html");
  });

  it("opens", () => {
    cy.get("h1").should("have.text", "Shop");
  });

  it("loads the list", () => {
    cy.get("#load").click();
    cy.get("#size").should("have.text", "30000");
  });

  it("sells", () => {
    cy.title({ timeout: 1000 }).should("equal", Cypress.env("fail") ? "Closed" : "Shop");
  });
});
