*** Comments ***
SPDX-License-Identifier: Apache-2.0


*** Settings ***
Documentation       A shop, with Robot Framework and its Browser library.

Library             Browser

Suite Setup         Open The Browser
Suite Teardown      Close Browser
Test Setup          New Page    %{BASE_URL}/shop.html


*** Test Cases ***
Opens
    Get Text    h1    ==    Shop

Loads The List
    Click    id=load
    Get Text    id=size    ==    30000

Sells
    VAR    ${title}    Shop
    IF    "%{SHOP_FAIL=}"
        VAR    ${title}    Closed
    END
    Get Title    ==    ${title}


*** Keywords ***
Open The Browser
    ${arguments}=    Evaluate    ["--no-sandbox"]
    New Browser    chromium    headless=True    executablePath=%{CHROMIUM=/usr/bin/chromium}    args=${arguments}
    Set Browser Timeout    5s
