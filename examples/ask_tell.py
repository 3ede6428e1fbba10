import hone

study = hone.create_study("parabola", {"x": hone.float(-10, 10)}, minimize="loss", trials=20)
for trial in study.trials():
    trial.tell(loss=(trial.params["x"] - 3) ** 2)
print(study.best)
