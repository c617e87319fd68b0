// The outline of the workbench stays until the step that is shown is there with its figures, so that nothing moves under
// the reader's eyes. The widgets are laid out beneath it meanwhile: what is not displayed has no width.
{
  const FIGURES = 2500; // ms for which the words wait for the figures
  const PATIENCE = 30000; // ms after the kernel's answer; whatever is there then is shown
  window.voila_process = () => {}; // Voila would write "Executing 1 of 1"

  const cells = () => document.getElementById("rendered_cells");
  const visible = (selector) => [...cells().querySelectorAll(selector)].filter((element) => element.checkVisibility());

  function told() {
    if (!cells().querySelector(".ionw")) {
      return Boolean(cells().querySelector(".jp-OutputArea-output :is(.jupyter-widgets, pre, p, img)"));
    }
    const panels = visible(".ionw-panel");
    return Boolean(
      (!cells().querySelector(".ionw-header") || cells().querySelector(".ionw-steps button")) &&
        cells().querySelector(".ionw-status [role=status]") &&
        panels.length && panels.every((panel) => panel.firstElementChild),
    );
  }
  const drawn = () => visible(".ionw-figure").every((figure) => figure.querySelector(".main-svg"));

  // Voila calls it when the cells have come, and again when JupyterLab's styles have.
  window.voila_finish = () => {
    if (!window.themeLoaded) {
      window.cellLoaded = true;
      return;
    }
    cells().style.visibility = "hidden";
    cells().style.display = "";
    let late = false;
    let waiting;
    const lift = () => {
      observer.disconnect();
      clearTimeout(waiting);
      clearTimeout(end);
      document.getElementById("loading")?.remove();
      cells().style.visibility = "";
      performance.mark("ionwidgets-shown");
    };
    // A frame later: what came and moved in one frame would be seen to move.
    const settle = () => {
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(lift));
    };
    const look = () => {
      if (!told()) return;
      waiting ??= setTimeout(() => { late = true; look(); }, FIGURES);
      if (late || drawn()) settle();
    };
    const observer = new MutationObserver(look);
    const end = setTimeout(lift, PATIENCE);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
  };
}
