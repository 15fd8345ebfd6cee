"""The answer in sentences: what is claimed, and what is left to chance."""

from aepipe.reporting.findings import findings


def test_a_significant_gain_is_stated_with_its_size_and_p_value(metrics):
    assert findings(metrics)[0] == (
        "For its size, autoencoder reconstructs best: its squared error per sample is 1.250, "
        "37.5 % below the 2.000 of PCA 8 (p = 0.002)."
    )


def test_heads_are_held_against_control_and_raw_features(metrics):
    assert findings(metrics)[1] == (
        "The fine-tuned classifier is right on 98.0 % of 200 test samples: no clear difference "
        "from the same network from random weights (+2.0 points, p = 0.400); 3.0 points above "
        "random forest on raw features (p < 0.001)."
    )


def test_a_difference_that_does_not_survive_the_correction_is_not_claimed(metrics):
    assert findings(metrics)[2] == (
        "A linear probe does best on autoencoder (94.0 %): no clear difference from PCA 8 "
        "(+4.0 points, p = 0.090)."
    )


def test_an_insignificant_gain_in_error_is_called_chance(metrics):
    metrics.against_pca["autoencoder"]["squared_error_p_holm"] = 0.06
    assert "a difference that chance alone could give (p = 0.060)" in findings(metrics)[0]


def test_where_pca_wins_it_is_said(metrics):
    metrics.representations["autoencoder"]["squared_error"] = 2.5
    metrics.against_pca["autoencoder"]["squared_error_difference"] = 0.5
    assert findings(metrics)[0] == (
        "No representation reconstructs better than PCA of its size; autoencoder comes nearest, "
        "with a squared error of 2.500 per sample against the 2.000 of PCA 8 (p = 0.002)."
    )


def test_a_larger_code_than_its_baseline_is_no_winner_for_its_size(metrics):
    metrics.representations["autoencoder"]["code_size"] = 9
    assert not [sentence for sentence in findings(metrics) if "For its size" in sentence]


def test_without_labels_only_reconstruction_is_judged(metrics):
    metrics.heads.clear()
    for held in metrics.representations.values():
        for name in [n for n in held if n.startswith(("accuracy_", "head_"))]:
            del held[name]
    assert len(findings(metrics)) == 1


def test_how_many_trainings_bear_out_the_best_reconstruction_is_said(metrics):
    held = {"mean": 1.3, "deviation": 0.0234, "low": 1.2, "high": 1.4}
    metrics.test["trainings"] = 5
    metrics.trainings["autoencoder"] = {"squared_error": held}
    metrics.against_pca["autoencoder"]["squared_error_trainings"] = 4
    assert findings(metrics)[3] == (
        "Over 5 trainings with as many seeds, the squared error of autoencoder is 1.300 on "
        "average, with a standard deviation of 0.023; 4 of them are better than PCA 8."
    )


def test_a_lossless_pca_gives_no_ratio(metrics):
    metrics.representations["pca_8"]["squared_error"] = 0.0
    assert not [sentence for sentence in findings(metrics) if "reconstruct" in sentence]
