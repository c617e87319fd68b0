// ipywidgets hands every label to MathJax, which JupyterLab would fetch from a CDN. Our labels hold no TeX.
window.MathJax = {
  Ajax: {},
  Hub: { Config() {}, Configured() {}, Queue() {}, Register: { StartupHook() {} } },
};
