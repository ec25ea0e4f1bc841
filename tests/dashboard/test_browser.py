"""The dashboard in a real Chromium: it draws, nothing complains, and choices work by keyboard."""

import importlib.util
from pathlib import Path

import pytest

SCREENSHOTS = Path(__file__).parents[2] / "docs" / "make_screenshots.py"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def camera():
    """The program that makes the pictures of the documentation: the same steps, the same patience."""
    pytest.importorskip("playwright", reason="the dev extra is not installed")
    spec = importlib.util.spec_from_file_location("make_screenshots", SCREENSHOTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.find_chromium() is None:
        pytest.skip("no Chromium on this machine; install one, for instance: apt install chromium")
    return module


def test_the_dashboard_draws_in_a_browser(camera, fill, sqlite_url, tmp_path):
    fill(sqlite_url, kind="sample")
    with camera.served(sqlite_url) as address, camera.chromium() as browser:
        page, complaints = camera.open_page(browser, address + "about", camera.DESKTOP, "light")
        assert "How the figures are made" in page.inner_text("h1")  # the first request may be for any page
        page.get_by_role("link", name="Overview").click()
        page.wait_for_selector("[data-testid=stVegaLiteChart] svg")
        camera.wait_until_drawn(page)
        assert page.locator("[data-testid=stVegaLiteChart] svg").count() == 8
        assert page.locator("[data-testid=stException]").count() == 0
        assert "Sample data" in page.inner_text("[data-testid=stAlert]")
        labels = page.locator("[data-testid=stVegaLiteChart] .role-axis-label text").all_text_contents()
        assert {"20 Oct2025", "27 Oct", "100%"} <= set(labels)

        page.get_by_text("日本語", exact=True).click()
        page.wait_for_selector("h1:has-text('Grokについて人々が語っていること')")
        camera.wait_until_drawn(page)
        assert page.url.endswith("?lang=ja")
        picture = tmp_path / "dashboard.png"
        camera.photograph(page, picture)
        assert picture.read_bytes().startswith(b"\x89PNG")

        narrow, _ = camera.open_page(browser, address, camera.PHONE, "dark")
        width = narrow.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= camera.PHONE[0]  # nothing sticks out of a phone
        assert not [said for said in complaints if "404" not in said]
