"""What is wrong with how a page looks: for assistive tools, in the dark, on a phone, without shifting."""

from playwright.sync_api import Page

from tests.browser.visits import PHONE, WIDE, axe

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# The parts that a page loads by itself are there: a picture's neighbours, the API's calls.
WHOLE = "() => !document.querySelector('[hx-trigger=load], #swagger:not(:has(.opblock))')"


def inspect(page: Page, path: str) -> list[str]:
    """What is wrong with one page: light and dark, wide and on a phone, all that can be opened open."""
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(path)
    page.wait_for_function(WHOLE)
    found = [f"shifts by {shift}" for shift in [page.evaluate("window.shifted")] if shift >= 0.05]
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(OVERFLOW) > 0:
            found.append(f"is wider than {width} pixels")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{scheme} {width}: {violation}" for violation in axe(page)]
    return [f"{path} {one}" for one in found]
