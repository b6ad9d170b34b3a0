"""The page in a real browser: the slider moves the plot, hover tells the value, nothing is asked of any network."""
import json
import shutil
import time

import numpy as np
import pytest

pytest.importorskip("plotly")
webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.action_chains import ActionChains

import minigrad
from minigrad import gradflow

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow, pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),  # Selenium's own
]
_OWN = ("file:", "data:", "blob:", "chrome:", "chrome-untrusted:")  # the last two: the browser's own first page
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1500,1400",
)


@pytest.fixture
def browser(tmp_path):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*QUIET, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


def trained(activation, init, steps=12):
    minigrad.manual_seed(0)
    model = gradflow.deep_stack(5, 8, activation, init, inputs=6)
    rule = minigrad.optim.SGD(model.parameters(), lr=0.5)
    with gradflow.watch(model, every=3, optimizer=rule) as flow:
        for _ in range(steps):
            rule.zero_grad()
            minigrad.nn.functional.cross_entropy(model(minigrad.randn(8, 6)), minigrad.tensor(np.arange(8))).backward()
            rule.step()
    return flow


def opened(browser, path):
    browser.get(path.as_uri())
    wait_for(browser, "return document.querySelectorAll('.js-plotly-plot .slider-container').length > 0")


def wait_for(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 30).until(lambda b: b.execute_script(condition))


def wait_until(holds, seconds=30):
    """The slider's animation takes a moment."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the plot did not move"
        time.sleep(0.05)


def shown(browser, name):
    """What the curve of this name shows now, in each run."""
    return browser.execute_script(
        "return document.querySelector('.js-plotly-plot')._fullData.filter(t => t.name == arguments[0])"
        ".map(t => Array.from(t.x))", name,
    )  # fmt: skip


def click_slider(browser, share):
    """At this share of its length."""
    bar = browser.find_element("css selector", ".slider-rail-touch-rect")
    width = bar.rect["width"]
    ActionChains(browser).move_to_element(bar).move_by_offset(int((share - 0.5) * width * 0.98), 0).click().perform()


def complaints(browser):
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert urls
    return severe, [url for url in urls if not url.startswith(_OWN)]


@pytest.mark.parametrize("runs", [1, 2])
def test_the_slider_moves_the_plot_and_hover_tells_the_value(browser, tmp_path, runs):
    flows = {"sigmoid <script>x</script>": trained("sigmoid", "xavier_normal"), "tanh": trained("tanh", "scaled:2")}
    named = dict(list(flows.items())[:runs])
    gradflow.page(named if runs > 1 else flows["tanh"], tmp_path / "flow.html")
    opened(browser, tmp_path / "flow.html")
    each = list(named.values()) if runs > 1 else [flows["tanh"]]
    for before, flow in zip(shown(browser, "gradient RMS"), each, strict=True):
        np.testing.assert_allclose(before, flow.delta_rms[-1], rtol=1e-5)
    click_slider(browser, 0.0)
    for name, table in (("gradient RMS", "delta_rms"), ("gain: what a layer passes on", "gain")):
        wait_until(lambda: shown(browser, name)[0][0] == pytest.approx(getattr(each[0], table)[0, 0], rel=1e-5))
        for after, flow in zip(shown(browser, name), each, strict=True):
            known = np.array([np.nan if v is None else v for v in after], dtype=float)
            np.testing.assert_allclose(known, getattr(flow, table)[0], rtol=1e-5)

    cell = browser.find_element("css selector", ".nsewdrag[data-subplot='xy']")
    ActionChains(browser).move_to_element(cell).move_by_offset(3, 3).perform()
    told = wait_for(browser, "const h = document.querySelector('.hoverlayer .hovertext'); return h && h.textContent")
    values = {f"{v:.3g}" for v in each[0].delta_rms.ravel()}
    assert any(value in told for value in values) and "layer" in told and "step" in told
    severe, outside = complaints(browser)
    assert severe == [] and outside == []


def test_a_sweep_has_a_slider_over_the_scale(browser, tmp_path):
    found = gradflow.sweep(lambda scale: gradflow.deep_stack(6, 16, "tanh", f"scaled:{scale}"), {"scale": [0.5, 1.0, 2.0]})
    found.html(tmp_path / "sweep.html")
    opened(browser, tmp_path / "sweep.html")
    read = "return JSON.stringify(document.querySelector('.js-plotly-plot')._fullData.map(t => Array.from(t.x || [])))"
    first = wait_for(browser, read)
    click_slider(browser, 1.0)
    wait_until(lambda: browser.execute_script(read) != first)
    click_slider(browser, 0.0)
    wait_until(lambda: browser.execute_script(read) == first)
    severe, outside = complaints(browser)
    assert severe == [] and outside == []
