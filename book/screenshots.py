"""Takes the lab's pictures of MLflow's interface, as it is on a home with a finished report.

    python -m book.screenshots --home .promotion

Needs Chromium or Chrome, and the development dependencies.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
import urllib.request
from io import BytesIO
from pathlib import Path

from mlflow.tracking import MlflowClient
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from promotion.paths import ROOT, default_home
from promotion.registry import RegisteredModel, aliases, version
from promotion.store import (
    PRODUCTION,
    connect,
    links,
    readable,
    registry_link,
    run_link,
)
from tests.browser import installed

PLACE = ROOT / "book" / "_static" / "mlflow"
SIZE = {"width": 1360, "height": 800}
START_SECONDS, DRAW_MS = 60, 4000
QUALITY = 80
# The assistant, which takes a quarter of the page where it was never closed.
CLOSE = "[data-component-id='mlflow.assistant.chat_panel.close']"


def pages(client: MlflowClient, name: str, base: str) -> dict[str, str]:
    """What to take a picture of: the address of each picture's page."""
    model = RegisteredModel(client, name)
    made = version(model, aliases(model)[PRODUCTION])
    run = client.get_run(made.run_id)
    experiment = run.info.experiment_id
    page = run_link(base, experiment, run.info.run_id)
    trained = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    listed = links(base, experiment)
    return {
        "experiments": f"{base}/#/experiments?workflowType=machine_learning",
        "runs": listed["trainings"],
        "grid": listed["grid"],
        "models": listed["models"],
        "model": listed["models"].replace("/models?", f"/models/{trained.model_id}?"),
        "run": page,
        "run_metrics": page.replace("?", "/model-metrics?"),
        "run_artifacts": page.replace("?", "/artifacts?"),
        "registry": registry_link(base),
        "registered": registry_link(base, name),
        "version": registry_link(base, name).replace("?", f"/versions/{made.version}?"),
    }


def take(page: Page, address: str, place: Path) -> None:
    """Write a picture of a page once it is drawn."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_timeout(DRAW_MS)
    assistant = page.locator(CLOSE)
    if assistant.is_visible():
        assistant.click()
        page.wait_for_timeout(DRAW_MS)
    with Image.open(BytesIO(page.screenshot())) as picture:
        picture.save(place, quality=QUALITY, method=6)


def main() -> None:
    """Start MLflow's interface on a home and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--model", default="person-detector")
    parser.add_argument("--to", type=Path, default=PLACE)
    arguments = parser.parse_args()
    program = installed()
    if program is None:
        sys.exit("no Chromium or Chrome is installed: `apt install chromium` brings one")
    client = connect(arguments.home.resolve())
    if not readable(client):
        sys.exit(f"no study was reported in {arguments.home}; run `promotion report` first")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "promotion", "ui", "--home", str(arguments.home)]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_for(base)
        arguments.to.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program)
            page = browser.new_page(viewport=SIZE, locale="en-GB")
            for name, address in pages(client, arguments.model, base).items():
                take(page, address, arguments.to / f"{name}.webp")
                print(arguments.to / f"{name}.webp", address)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_for(base: str) -> None:
    """Wait until the interface answers.

    Raises:
        TimeoutError: it does not.
    """
    for _ in range(START_SECONDS):
        try:
            urllib.request.urlopen(base, timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    raise TimeoutError(f"MLflow does not answer at {base}")


if __name__ == "__main__":
    main()
