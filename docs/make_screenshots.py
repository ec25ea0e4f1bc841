"""Renew the pictures under docs/images: `python docs/make_screenshots.py`.

Fills a database of its own with the sample posts, labels them with the shipped model, serves the dashboard and photographs it
with the machine's Chromium. `--database URL` photographs a database that is there already.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

import dashboard

IMAGES = Path(__file__).parent / "images"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_SECONDS = 90
DESKTOP, PHONE = (1440, 900), (420, 900)
PICTURES = {
    "dashboard-en": ("", DESKTOP, "light"),
    "dashboard-ja": ("?lang=ja", DESKTOP, "light"),
    "dashboard-dark": ("", DESKTOP, "dark"),
    "dashboard-phone": ("?lang=ja", PHONE, "light"),
}
"""Picture -> address, window in pixels, colour scheme."""
LONGEST = 1600
"""A picture shows the page from its top, so many pixels of it at most."""


def find_chromium() -> str | None:
    """Give the machine's Chromium, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(database_url: str) -> Iterator[str]:
    """Serve the dashboard of a database on a free port of this machine; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = {"address": "127.0.0.1", "port": port, "headless": "true", "fileWatcherType": "none"}
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(Path(dashboard.__file__).with_name("app.py"))]
        + [part for name, value in flags.items() for part in (f"--server.{name}", str(value))],
        env=os.environ | {"GROKWATCH_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The dashboard did not start.")


def open_page(browser: Browser, address: str, window: tuple[int, int], scheme: str) -> tuple[Page, list[str]]:
    """Open an address and wait until everything is drawn; gives the page and what the browser complained of."""
    width, height = window
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    wait_until_drawn(page)
    return page, complaints


def wait_until_drawn(page: Page) -> None:
    """Wait until the script has ended, no placeholder is left, and every chart has its marks."""
    page.wait_for_function(
        """() => {
            const app = document.querySelector('[data-testid=stApp]');
            const charts = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')];
            return app?.getAttribute('data-test-script-state') === 'notRunning'
                && document.querySelector('h1, [data-testid=stAlert]')
                && !document.querySelector('[data-testid=stSkeleton]')
                && charts.every(chart => chart.querySelector('svg .role-mark'));
        }""",
        timeout=PATIENCE_SECONDS * 1000,
    )
    page.wait_for_timeout(600)  # charts settle their width


def photograph(page: Page, file: Path) -> None:
    """Make the window as tall as the page, and take the picture of its upper part."""
    width = page.viewport_size["width"]
    for _ in range(3):  # charts move when the window grows
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(600)
    wait_until_drawn(page)
    height = min(LONGEST, page.viewport_size["height"])
    page.screenshot(path=file, clip={"x": 0, "y": 0, "width": width, "height": height})


def fill(database_url: str) -> None:
    """Put in the sample posts and label them with the shipped model."""
    from classifiers.encoder import load
    from db.engine import open_engine
    from grokwatch.pipeline import classify
    from grokwatch.start import prepare

    engine = open_engine(database_url)
    prepare(engine, clock=lambda: datetime.now(UTC))
    classify(engine, load(), clock=lambda: datetime.now(UTC))
    engine.dispose()


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="URL of a filled database")
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder of the pictures")
    arguments = parser.parse_args()
    if find_chromium() is None:
        raise SystemExit("Error: there is no Chromium on this machine. Install one, for instance: apt install chromium")
    arguments.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database_url = arguments.database or f"sqlite:///{folder}/grokwatch.db"
        if arguments.database is None:
            fill(database_url)
        with served(database_url) as address, chromium() as browser:
            for name, (parameters, window, scheme) in PICTURES.items():
                page, complaints = open_page(browser, address + parameters, window, scheme)
                photograph(page, arguments.into / f"{name}.png")
                page.close()
                print(name, *complaints)


if __name__ == "__main__":
    try:
        main()
    except Error as error:
        raise SystemExit(f"Error: the browser failed: {error}") from error
