"""The TensorFlow process: `python -m hwflow.train.worker job.json`.

Progress goes to stdout, one JSON object a line ("event": "start", "epoch", "trained", "done").
A user's mistake ends the process with code 2 and a record in `<job>.error.json`; the parent turns
it into an InputError. Jobs are written by hwflow.train.jobs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwflow.config.design import TrainConfig
from hwflow.train.files import read_json, read_npz, write_json, write_npz
from hwflow.train.refusal import RefusalError

__all__ = ["main"]

USER_ERROR = 2


def main(arguments: list[str]) -> int:
    """Run the job; the process's exit code."""
    path = Path(arguments[0])
    job = read_json(path)
    run = {"train": _train, "load": _load, "predict": _predict, "surround": _surround}[job["job"]]
    _report({"event": "start", "job": job["job"]})
    try:
        run(job)
    except RefusalError as refusal:
        write_json(path.with_suffix(".error.json"), refusal.record())
        sys.stderr.write(f"{refusal.code}: {refusal.message}\n")
        return USER_ERROR
    _report({"event": "done"})
    return 0


def _train(job: Mapping[str, Any]) -> None:
    from hwflow.train.builders import Builders
    from hwflow.train.data.dataset import load_dataset
    from hwflow.train.keras_env import load_keras
    from hwflow.train.session import TrainSession

    options = TrainConfig(**job["options"])
    env = load_keras(options.seed)
    builders = Builders(env, Path(job["builder"]))
    data = load_dataset(Path(job["data"]))
    session = TrainSession(env, builders, job["function"], job["decoder"], data, options, _report)
    session.run(Path(job["output"]))


def _load(job: Mapping[str, Any]) -> None:
    from hwflow.train.data.dataset import load_dataset
    from hwflow.train.export import export_network
    from hwflow.train.keras_env import load_keras
    from hwflow.train.rebuild import rebuild
    from hwflow.train.scoring import METRICS, check_model, replayed, score

    env = load_keras()
    folder = Path(job["output"])
    model = rebuild(env, read_json(Path(job["model"])), read_npz(Path(job["arrays"])))
    export_network(model, folder)
    if job["data"] is None:
        return
    data = load_dataset(Path(job["data"]))
    check_model(model, data, job["name"])
    metric, unit = METRICS[data.task]
    facts = {
        "metric": metric,
        "unit": unit,
        "task": data.task,
        "test_samples": len(data.test.x),
        "quantized": score(data, replayed(env, folder, data)),
        "parameters": int(model.count_params()),
    }
    write_json(folder / "metrics.json", facts)


def _predict(job: Mapping[str, Any]) -> None:
    from hwflow.train.keras_env import load_keras
    from hwflow.train.replay import Replay

    env = load_keras()
    folder = Path(job["network"])
    network = read_json(folder / "network.json")
    inputs = read_npz(Path(job["inputs"]))
    missing = sorted(set(network["inputs"]) - set(inputs))
    if missing:
        raise RefusalError("train.replay", f"no values for the input {missing[0]!r}")
    replay = Replay(env, network, read_npz(folder / "weights.npz"), job["wide"])
    write_npz(Path(job["output"]), replay.run({name: inputs[name] for name in network["inputs"]}))


def _surround(job: Mapping[str, Any]) -> None:
    from hwflow.ir import load_graph, save_graph
    from hwflow.train.around import surround
    from hwflow.train.usercode import UserFile

    user = UserFile(Path(job["file"]), "model.around", "the function around the network")
    whole = surround(user, job["function"], load_graph(Path(job["network"])))
    result = {kind: Path(path) for kind, path in job["result"].items()}
    save_graph(whole.graph, result["hwf"])
    write_npz(result["npz"], whole.params)
    write_json(result["json"], {"start": whole.start, "end": whole.end})


def _report(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record, sort_keys=True) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
