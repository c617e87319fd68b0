// The page and its kernel. A reload comes back to the kernel that it had, with all that was done in it; a page that is
// closed says so, and its kernel is ended soon; where work is under way the browser asks before. A kernel that was ended
// under a page that stood unused is told of.
{
  const KEY = "ionwidgets-session";
  const CHECK = 60000; // ms
  const config = document.getElementById("jupyter-config-data");
  const settings = JSON.parse(config.textContent);
  const outputs = () => [...document.querySelectorAll('script[type="application/vnd.voila.cell-output+json"]')];
  const kernel = (id) => `${settings.baseUrl}api/kernels/${id}`;

  const leave = (id) => navigator.sendBeacon(`${settings.baseUrl}ionwidgets/leave/${id}`);

  // At once, or Voila would connect to the other kernel meanwhile.
  function returnsTo(kept, how) {
    if (!kept || kept.address !== location.pathname + location.search || !["reload", "back_forward"].includes(how)) return false;
    const request = new XMLHttpRequest();
    request.open("GET", kernel(kept.kernel), false);
    try {
      request.send();
      // A tab that was duplicated has the same memory: its twin holds that kernel.
      return request.status === 200 && (how === "reload" || JSON.parse(request.responseText).connections === 0);
    } catch {
      return false;
    }
  }

  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY));
  } catch {} // no memory is allowed, or it is not ours
  if (returnsTo(kept, performance.getEntriesByType("navigation")[0]?.type)) {
    leave(settings.kernelId);
    settings.kernelId = kept.kernel;
    config.textContent = JSON.stringify(settings);
    outputs().forEach((script, index) => (script.textContent = kept.outputs[index]));
  }
  try {
    const memory = { address: location.pathname + location.search, kernel: settings.kernelId, outputs: outputs().map((script) => script.textContent) };
    sessionStorage.setItem(KEY, JSON.stringify(memory));
  } catch {}

  window.addEventListener("beforeunload", (event) => {
    event.stopImmediatePropagation(); // Voila's own listener would end the kernel, of a page that stays too
    if (document.querySelector(".ionw-status.is-busy")) event.preventDefault();
  });
  window.addEventListener("pagehide", (event) => {
    if (!event.persisted) leave(settings.kernelId);
  });

  async function check() {
    if (document.hidden) return;
    const answer = await fetch(kernel(settings.kernelId)).catch(() => null);
    if (answer?.status !== 404) return;
    clearInterval(timer);
    const note = document.createElement("p");
    note.id = "ended";
    note.setAttribute("role", "alert");
    note.textContent = "The kernel of this page was ended, since nobody used it. Reload the page to begin anew.";
    document.body.prepend(note);
  }
  const timer = setInterval(check, CHECK);
  document.addEventListener("visibilitychange", check);
}
