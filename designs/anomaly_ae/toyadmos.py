"""Features of ToyADMOS recordings, in the form that `data: {source: file}` takes.

    python designs/anomaly_ae/toyadmos.py ToyCar features.npz

ToyCar is the folder of the DCASE 2020 challenge's development set: train/normal_*.wav and
test/{normal,anomaly}_*.wav, 16-bit mono at 16 kHz. As in the MLPerf Tiny benchmark a sample is 5
successive frames of 128 mel bands in decibels. Every `STEP`-th window of a recording is kept, and
labelled as the recording is: the benchmark scores whole recordings by the mean over their windows,
hwflow scores windows, so its AUC is another, lower figure.

All features are shifted and scaled alike by the training part's mean and standard deviation, to
fit the model's inputs (-4 to 4); the two numbers are printed and stand in the file's name-sake
.json, since samples need the same treatment at run time.
"""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwflow.train.data.mel import FRAMES, HOP, RATE, WINDOW, decibels, mel_power

STEP = 8
_FULL = 32768.0  # of 16-bit samples


def windows(path: Path, step: int = STEP) -> NDArray[np.float32]:
    """(n, 640) windows of one recording, in decibels."""
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            sys.exit(f"{path.name}: expected 16-bit mono at {RATE} Hz")
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    if len(raw) < WINDOW + (FRAMES - 1) * HOP:
        sys.exit(f"{path.name}: shorter than a window")
    sound = raw.astype(np.float64) / _FULL
    pieces = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(pieces * hann, axis=1)) ** 2
    frames = decibels(mel_power(power))
    stacked = np.lib.stride_tricks.sliding_window_view(frames, FRAMES, axis=0)[::step]
    # sliding_window_view puts the frames last; frame 0's bands come first.
    return np.ascontiguousarray(stacked.swapaxes(1, 2)).reshape(len(stacked), -1).astype(np.float32)


def gather(folder: Path, pattern: str) -> NDArray[np.float32]:
    """The windows of every recording that `pattern` finds."""
    paths = sorted(folder.glob(pattern))
    if not paths:
        sys.exit(f"no {pattern} in {folder}")
    return np.concatenate([windows(path) for path in paths])


def main(arguments: list[str]) -> None:
    """Read the folder, write the npz and its scaling."""
    if len(arguments) != 2 or not arguments[1].endswith(".npz"):
        sys.exit("usage: toyadmos.py FOLDER FEATURES.npz")
    folder, output = Path(arguments[0]), Path(arguments[1])
    train = gather(folder, "train/normal_*.wav")
    normal, faulty = (gather(folder, f"test/{kind}_*.wav") for kind in ("normal", "anomaly"))
    mean, deviation = float(train.mean()), float(train.std())
    test = np.concatenate([normal, faulty])
    labels = np.repeat([0, 1], [len(normal), len(faulty)])
    order = np.random.default_rng(1).permutation(len(test))
    np.savez(
        output,
        x_train=(train - mean) / deviation,
        x_test=((test - mean) / deviation)[order],
        y_test=labels[order],
    )
    scaling = {"decibels_mean": mean, "decibels_deviation": deviation}
    output.with_suffix(".json").write_text(json.dumps(scaling) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(train)} windows to train, {len(test)} to test; {scaling}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
