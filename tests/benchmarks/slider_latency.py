"""From a slider's input event to the redrawn trace, measured in the page."""

from __future__ import annotations

from playwright.sync_api import Page

MOVE = """async ([name, position]) => {
  const plot = [...document.querySelectorAll("[role=img]")].find(
    (element) => element.checkVisibility() && element.ariaLabel?.endsWith("altered cell against control"));
  const row = [...document.querySelectorAll(".ionw-slider")].find(
    (row) => row.querySelector("label").textContent === name);
  const input = row.querySelector("input");
  const before = plot.data[1].y;
  const began = performance.now();
  const drawn = new Promise((resolve) => {
    const afterplot = () => {
      if (plot.data[1].y === before) return;
      plot.removeListener("plotly_afterplot", afterplot);
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));  // painted
    };
    plot.on("plotly_afterplot", afterplot);
  });
  input.value = position;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  return await Promise.race([drawn, new Promise((resolve) => setTimeout(() => resolve(-1), 30000))]);
}"""
WARM = 5  # moves before those that count
PAUSE = 150  # ms between moves


def latencies(page: Page, conductance: str, moves: int) -> list[float]:
    """ms of so many moves of one slider; the page shows step 2, and the model has been compiled."""
    took = []
    for index in range(WARM + moves):
        # Below control, another place each time: 30 to 59 of 0 to 101.
        took.append(float(page.evaluate(MOVE, [conductance, 30 + (index * 7) % 30])))
        page.wait_for_timeout(PAUSE)
    assert min(took) > 0, "a move was not answered"
    return took[WARM:]
