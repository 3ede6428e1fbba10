"""Real models to tune, on scikit-learn's data sets, as tables with a surrogate.

Each problem is evaluated at a thousand configurations or so (half of them random, the others near the best ones), and a forest is
fitted to the results. It answers in microseconds, the same for everybody. Problem names that begin with `held-` were kept apart
while Hone's algorithms were tuned.

    python tuning.py            builds what is missing below .bench/tables
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR

from space import choice, draw, features, near, real, whole

TABLES = Path(__file__).resolve().parents[2] / ".bench" / "tables"
EVALUATIONS = 1200
RANDOM_SHARE = 0.6
SECONDS = 100
TREES = 60


def some(data, count):
    x, y = data
    rows = numpy.random.RandomState(1).permutation(len(x))[:count]
    return x[rows], y[rows]


def error(model, data):
    return 1 - cross_val_score(model, *data, cv=StratifiedKFold(3, shuffle=True, random_state=0)).mean()


def unexplained(model, data):
    score = cross_val_score(model, *data, cv=KFold(3, shuffle=True, random_state=0), scoring="r2").mean()
    return min(3.0, 1 - score)


digits = load_digits(return_X_y=True)
cancer = load_breast_cancer(return_X_y=True)
wine = load_wine(return_X_y=True)
diabetes = load_diabetes(return_X_y=True)


def svm(p):
    model = SVC(
        C=p["C"], gamma=p["gamma"], kernel=p["kernel"], degree=p.get("degree", 3), coef0=p.get("coef0", 0), max_iter=3000
    )
    return error(make_pipeline(StandardScaler(), model), some(digits, 400))


def neighbours(p):
    model = KNeighborsClassifier(p["k"], weights=p["weights"], p=p["p"], algorithm="brute")
    return error(make_pipeline(PCA(p["pca"]), model), some(digits, 300))


def forest(p):
    model = RandomForestClassifier(
        p["trees"],
        max_features=p["features"],
        min_samples_leaf=p["leaf"],
        min_samples_split=p["split"],
        max_depth=p["depth"],
        criterion=p["criterion"],
        bootstrap=p["bootstrap"],
        max_samples=p.get("sample"),
        random_state=0,
    )
    return error(model, some(digits, 300))


def histogram(p):
    model = HistGradientBoostingRegressor(
        learning_rate=p["rate"],
        max_leaf_nodes=p["leaves"],
        l2_regularization=p["l2"],
        min_samples_leaf=p["leaf"],
        max_iter=p["rounds"],
        max_bins=p["bins"],
        max_features=p["features"],
        random_state=0,
    )
    return unexplained(model, diabetes)


def linear(p):
    model = SGDClassifier(
        alpha=p["alpha"],
        l1_ratio=p["l1"],
        penalty=p["penalty"],
        loss=p["loss"],
        learning_rate=p["schedule"],
        eta0=p["eta0"],
        power_t=p.get("power", 0.5),
        average=p["average"],
        max_iter=p["epochs"],
        tol=None,
        random_state=0,
    )
    return error(make_pipeline(StandardScaler(), model), some(cancer, 300))


def kernel_ridge(p):
    model = KernelRidge(
        alpha=p["alpha"], gamma=p["gamma"], kernel=p["kernel"], degree=p.get("degree", 3), coef0=p.get("coef0", 1)
    )
    return unexplained(make_pipeline(StandardScaler(), model), diabetes)


def network(p):
    model = MLPClassifier(
        [p["width"]] * p["layers"],
        alpha=p["alpha"],
        learning_rate_init=p["rate"],
        activation=p["activation"],
        solver=p["solver"],
        momentum=p.get("momentum", 0.9),
        beta_1=p.get("beta", 0.9),
        batch_size=p["batch"],
        max_iter=p["epochs"],
        random_state=0,
    )
    return error(make_pipeline(MinMaxScaler(), model), some(digits, 240))


def pipeline(p):
    scaler = {"none": "passthrough", "standard": StandardScaler(), "range": MinMaxScaler()}[p["scaler"]]
    if p["model"] == "svm":
        model = SVC(C=p["C"], gamma=p["gamma"], max_iter=3000)
    elif p["model"] == "neighbours":
        model = KNeighborsClassifier(p["k"], p=p["p"])
    elif p["model"] == "trees":
        model = ExtraTreesClassifier(p["trees"], max_depth=p["depth"], max_features=p["features"], random_state=0)
    else:
        model = LogisticRegression(C=p["inverse"], max_iter=60)
    return error(make_pipeline(scaler, model), wine)


def regression(p):
    model = SVR(C=p["C"], gamma=p["gamma"], epsilon=p["epsilon"], max_iter=3000)
    return unexplained(make_pipeline(StandardScaler() if p["scale"] else "passthrough", model), diabetes)


def boosting(p):
    model = GradientBoostingClassifier(
        learning_rate=p["rate"],
        n_estimators=p["trees"],
        max_depth=p["depth"],
        subsample=p["sample"],
        max_features=p["features"],
        min_samples_leaf=p["leaf"],
        random_state=0,
    )
    return error(model, cancer)


def lightgbm(p):
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(
        boosting_type=p["boosting"],
        learning_rate=p["rate"],
        n_estimators=p["trees"],
        num_leaves=p["leaves"],
        min_child_samples=p["leaf"],
        reg_lambda=p["l2"],
        reg_alpha=p["l1"],
        colsample_bytree=p["features"],
        subsample=p.get("sample", 1.0),
        subsample_freq=1 if p["boosting"] == "gbdt" else 0,
        drop_rate=p.get("drop", 0.1),
        n_jobs=1,
        verbose=-1,
        random_state=0,
    )
    return error(model, wine)


def xgboost(p):
    from xgboost import XGBRegressor

    model = XGBRegressor(
        booster=p["booster"],
        learning_rate=p["rate"],
        n_estimators=p["trees"],
        max_depth=p.get("depth", 3),
        min_child_weight=p.get("weight", 1),
        subsample=p.get("sample", 1),
        colsample_bytree=p.get("features", 1),
        reg_lambda=p["l2"],
        reg_alpha=p["l1"],
        n_jobs=1,
        random_state=0,
    )
    return unexplained(model, diabetes)


PROBLEMS = {
    "svm": (
        svm,
        {
            "C": real(1e-3, 1e3, True),
            "gamma": real(1e-6, 10, True),
            "kernel": choice("rbf", "poly", "sigmoid"),
            "degree": whole(2, 5, when={"kernel": ["poly"]}),
            "coef0": real(0, 1, when={"kernel": ["poly", "sigmoid"]}),
        },
    ),
    "neighbours": (
        neighbours,
        {"k": whole(1, 50, True), "weights": choice("uniform", "distance"), "p": real(1, 5), "pca": whole(2, 60)},
    ),
    "forest": (
        forest,
        {
            "trees": whole(5, 60, True),
            "features": real(0.05, 1),
            "leaf": whole(1, 20, True),
            "split": whole(2, 20),
            "depth": whole(1, 20),
            "criterion": choice("gini", "entropy"),
            "bootstrap": choice(True, False),
            "sample": real(0.2, 1, when={"bootstrap": [True]}),
        },
    ),
    "histogram": (
        histogram,
        {
            "rate": real(1e-3, 1, True),
            "leaves": whole(2, 64, True),
            "l2": real(1e-6, 100, True),
            "leaf": whole(1, 60, True),
            "rounds": whole(5, 60, True),
            "bins": whole(4, 255, True),
            "features": real(0.1, 1),
        },
    ),
    "linear": (
        linear,
        {
            "alpha": real(1e-7, 1, True),
            "l1": real(0, 1),
            "penalty": choice("l2", "l1", "elasticnet"),
            "loss": choice("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"),
            "schedule": choice("constant", "optimal", "invscaling", "adaptive"),
            "eta0": real(1e-5, 1, True),
            "power": real(0.1, 1, when={"schedule": ["invscaling"]}),
            "average": choice(True, False),
            "epochs": whole(2, 40, True),
        },
    ),
    "kernel-ridge": (
        kernel_ridge,
        {
            "alpha": real(1e-6, 100, True),
            "gamma": real(1e-5, 10, True),
            "kernel": choice("rbf", "laplacian", "polynomial", "cosine"),
            "degree": real(1, 4, when={"kernel": ["polynomial"]}),
            "coef0": real(0, 3, when={"kernel": ["polynomial"]}),
        },
    ),
    "held-network": (
        network,
        {
            "width": whole(4, 64, True),
            "layers": whole(1, 3),
            "alpha": real(1e-7, 1, True),
            "rate": real(1e-5, 0.3, True),
            "activation": choice("relu", "tanh", "logistic"),
            "solver": choice("adam", "sgd"),
            "momentum": real(0, 0.99, when={"solver": ["sgd"]}),
            "beta": real(0.5, 0.99, when={"solver": ["adam"]}),
            "batch": whole(8, 128, True),
            "epochs": whole(3, 15, True),
        },
    ),
    "held-pipeline": (
        pipeline,
        {
            "scaler": choice("none", "standard", "range"),
            "model": choice("svm", "neighbours", "trees", "logistic"),
            "C": real(1e-3, 1e3, True, when={"model": ["svm"]}),
            "gamma": real(1e-6, 10, True, when={"model": ["svm"]}),
            "k": whole(1, 40, True, when={"model": ["neighbours"]}),
            "p": real(1, 4, when={"model": ["neighbours"]}),
            "trees": whole(3, 40, True, when={"model": ["trees"]}),
            "depth": whole(1, 15, when={"model": ["trees"]}),
            "features": real(0.05, 1, when={"model": ["trees"]}),
            "inverse": real(1e-5, 1e3, True, when={"model": ["logistic"]}),
        },
    ),
    "held-regression": (
        regression,
        {
            "C": real(1e-2, 1e4, True),
            "gamma": real(1e-5, 1, True),
            "epsilon": real(1e-3, 100, True),
            "scale": choice(True, False),
        },
    ),
    "held-boosting": (
        boosting,
        {
            "rate": real(1e-3, 2, True),
            "trees": whole(3, 40, True),
            "depth": whole(1, 8),
            "sample": real(0.2, 1),
            "features": real(0.05, 1),
            "leaf": whole(1, 30, True),
        },
    ),
    "held-lightgbm": (
        lightgbm,
        {
            "boosting": choice("gbdt", "dart"),
            "rate": real(1e-3, 1, True),
            "trees": whole(3, 40, True),
            "leaves": whole(2, 64, True),
            "leaf": whole(1, 60, True),
            "l2": real(1e-6, 100, True),
            "l1": real(1e-6, 10, True),
            "features": real(0.05, 1),
            "sample": real(0.2, 1, when={"boosting": ["gbdt"]}),
            "drop": real(0, 1, when={"boosting": ["dart"]}),
        },
    ),
    "held-xgboost": (
        xgboost,
        {
            "booster": choice("gbtree", "gblinear"),
            "rate": real(1e-3, 1, True),
            "trees": whole(3, 60, True),
            "depth": whole(1, 10, when={"booster": ["gbtree"]}),
            "weight": real(1, 60, True, when={"booster": ["gbtree"]}),
            "sample": real(0.2, 1, when={"booster": ["gbtree"]}),
            "features": real(0.1, 1, when={"booster": ["gbtree"]}),
            "l2": real(1e-6, 100, True),
            "l1": real(1e-6, 10, True),
        },
    ),
}


def build(name):
    """Evaluates the model and fits the surrogate."""
    objective, space = PROBLEMS[name]
    random = numpy.random.RandomState(7)
    tried, values = [], []
    begin = time.time()
    for i in range(EVALUATIONS):
        if i < RANDOM_SHARE * EVALUATIONS:
            params = draw(space, random)
        else:
            best = numpy.argsort(values)[: max(5, len(values) // 20)]
            params = near(space, tried[random.choice(best)], random)
        try:
            value = objective(params)
        except ValueError:
            continue  # a model that cannot be fitted says nothing
        if numpy.isfinite(value):
            tried.append(params)
            values.append(value)
        if time.time() - begin > SECONDS and i >= RANDOM_SHARE * EVALUATIONS:
            break
    x = numpy.array([features(space, params) for params in tried])
    y = numpy.array(values)
    model = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=0)
    agreement = spearmanr(cross_val_predict(model, x, y, cv=5), y)[0]
    model.fit(x, y)
    trees = [
        [
            tree.tree_.feature.tolist(),
            [round(v, 6) for v in tree.tree_.threshold.tolist()],
            tree.tree_.children_left.tolist(),
            tree.tree_.children_right.tolist(),
            [round(v, 6) for v in tree.tree_.value[:, 0, 0].tolist()],
        ]
        for tree in model.estimators_
    ]
    TABLES.mkdir(parents=True, exist_ok=True)
    table = {"space": space, "trees": trees, "best": float(model.predict(x).min()), "agreement": round(agreement, 3)}
    (TABLES / f"{name}.json").write_text(json.dumps(table))
    print(f"{name}: {len(y)} evaluations, {time.time() - begin:.0f} s, rank correlation {agreement:.3f}", file=sys.stderr)


def load(name):
    """The problem's table, built on first use."""
    path = TABLES / f"{name}.json"
    if not path.exists():
        warnings.filterwarnings("ignore")
        build(name)
    return json.loads(path.read_text())


def predict(table, params):
    """The surrogate's value of a configuration."""
    row = features(table["space"], params)
    total = 0.0
    for feature, threshold, left, right, value in table["trees"]:
        node = 0
        while left[node] >= 0:
            node = left[node] if row[feature[node]] <= threshold[node] else right[node]
        total += value[node]
    return total / len(table["trees"])


if __name__ == "__main__":
    for problem in sys.argv[1:] or PROBLEMS:
        load(problem)
