"""How figures and names are written for people; one rule each, so that no two places disagree."""

import math

MINUS = "\N{MINUS SIGN}"
DEVIATION = 2  # digits of a standard deviation, which is not known better
SIGNIFICANT = 4  # digits of an error: two representations that differ matter in the third
FALLING = (  # parts of the names of metrics that are the better the smaller they are
    "squared_error",
    "cross_entropy",
    "frechet_distance",
    "memorisation",
    "dead_units",
    "saturated_units",
)
HEADS = {"finetuned": "fine-tuned head", "control": "control head"}
TITLES = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "nmi": "NMI",
    "ari": "ARI",
    "roc_auc": "ROC AUC",
    "jacobian_norm": "Jacobian norm",
    "frechet_distance": "Frechet distance",
    "training_frechet_distance": "training Frechet distance",
}
COUNTS = (
    "code_size",
    "parameters",
    "multiply_adds",
    "_units",
    "_samples",
)  # how the names of whole numbers end
# in the names of what is no share
SIZES = ("squared_error", "cross_entropy", "distance", "likelihood_", "log_", "jacobian")


def metric(name: str, value: float) -> str:
    """Write the value of the metric ``name``, as tables show it.

    Shares (accuracies, SSIM, explained variance, p-values) get three decimals, PSNR one, errors,
    distances and likelihoods four significant digits; counts are whole unless they are means.
    """
    if name.endswith(COUNTS):
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    if name.endswith(("p_value", "p_holm")):
        return p_value(value)
    if name == "psnr":
        return f"{value:.1f}".replace("-", MINUS)
    if any(part in name for part in SIZES):
        return significant(value, SIGNIFICANT)
    return f"{value:.3f}".replace("-", MINUS)


def difference(name: str, value: float) -> str:
    """Write a difference in the metric ``name``, with its sign."""
    size = abs(value)
    # an error's difference has fewer digits that mean something than the error
    text = significant(size, SIGNIFICANT - 1) if "squared_error" in name else metric(name, size)
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def significant(value: float, digits: int) -> str:
    """Write so many significant digits, without an exponent where that stays short."""
    if value == 0 or not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits}g}".replace("-", MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", MINUS)


def p_value(value: float) -> str:
    """Write a p-value; below a thousandth its size says nothing more."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def probability(value: float) -> str:
    """Write a p-value as it stands in a sentence."""
    return f"p {p_value(value)}" if value < 0.001 else f"p = {p_value(value)}"


def seconds(value: float | None) -> str:
    """Write a duration; a dash where it is not known."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def rate(value: float | None) -> str:
    """Write how many there are in a second, two digits of it; a dash where that is not known."""
    if value is None:
        return "\N{EN DASH}"
    return f"{float(f'{value:.2g}'):,.0f}"


def percent(share: float) -> str:
    """Write a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %".replace("-", MINUS)


def level(confidence: float) -> str:
    """Write a confidence level as a percentage with the decimals that it has."""
    return f"{100 * confidence:g} %"


def is_better(name: str, change: float) -> bool:
    """Say whether a difference in the metric ``name`` is one for the better: errors should fall."""
    return change < 0 if any(part in name for part in FALLING) else change > 0


def points(share: float) -> str:
    """Write a difference between two shares, in percentage points, with its sign."""
    size = f"{abs(100 * share):.1f}"
    sign = "" if float(size) == 0 else MINUS if share < 0 else "+"
    return f"{sign}{size} points"


def label(entry: str) -> str:
    """Name an entry for people."""
    if entry == "raw":
        return "raw features"
    if is_pca(entry):
        return f"PCA {entry.removeprefix('pca_')}"
    return entry.replace("_", " ")


def is_pca(entry: str) -> bool:
    """Say whether the entry is the baseline at one of its code sizes."""
    return entry.removeprefix("pca_").isdigit() and entry.startswith("pca_")


def condition(name: str) -> str:
    """Name a kind and level of corruption for people."""
    return name.replace("_", " ")


def probe(name: str) -> str:
    """Name a probe or a head for people."""
    return HEADS.get(name, name.replace("_", " "))


def title(name: str) -> str:
    """Name a metric for people, as a column has it."""
    return TITLES.get(name) or probe(name)
