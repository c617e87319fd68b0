"""The baselines that there are, by the name that asks for them."""

NAMES = {"least-squares": "least squares", "cma-es": "CMA-ES"}
