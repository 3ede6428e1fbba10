import lightgbm
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import hone

train_x, valid_x, train_y, valid_y = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)


def train(trial):
    data = lightgbm.Dataset(train_x, train_y)
    lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1, **trial.params},
        data,
        num_boost_round=trial.resource or 270,
        valid_sets=[lightgbm.Dataset(valid_x, valid_y, reference=data)],
        callbacks=[lambda at: trial.report(at.iteration + 1, loss=at.evaluation_result_list[0][2])],
    )


# A trial that ASHA stops ends at `trial.report`; the last reported loss is the result of the others.
space = {"learning_rate": hone.float(0.01, 0.3, scale="log"), "num_leaves": hone.int(4, 64, scale="log")}
rounds = {"name": "asha", "resource": {"name": "round", "min": 10, "max": 270}}
study = hone.create_study("lightgbm", space, minimize="loss", trials=40, scheduler=rounds)
study.optimize(train, workers=4)
print(study.best)
