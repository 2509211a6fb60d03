"""A linear word classifier: a stand-in that says at once whether a change of features matters.

Ridge regression of one-hot labels on standardised features. It is no keyword spotter: it has no
idea of time, and needs every frame in its place. It is trained in a second, without a random
choice. Needs NumPy alone.
"""

import numpy as np

from kit.errors import KitError


class LinearProbe:
    """Trained on features [n, frames, coeffs] and n labels; see `accuracy`."""

    def __init__(self, features, labels, ridge=300.0):
        """ridge: how strongly weights are held down, in units of standardised features."""
        if len(features) != len(labels) or len(set(labels)) < 2:
            raise KitError(
                "features and labels do not go together",
                found=f"{len(features)} features, {len(labels)} labels, {len(set(labels))} words",
                allowed="a label for each, and two words or more",
            )
        self.shape = features.shape[1:]
        self.words = sorted(set(labels))
        flat = self._flat(features)
        self.mean, self.scale = flat.mean(0), np.maximum(flat.std(0), 1e-6)
        x = (flat - self.mean) / self.scale
        wanted = np.array([[label == word for word in self.words] for label in labels], float)
        self.offset = wanted.mean(0)
        inner = x.T @ x + ridge * np.eye(x.shape[1])
        self.weights = np.linalg.solve(inner, x.T @ (wanted - self.offset))

    def says(self, features):
        """list of str: the word for each of features[n, frames, coeffs]."""
        scores = (self._flat(features) - self.mean) / self.scale @ self.weights + self.offset
        return [self.words[i] for i in scores.argmax(1)]

    def accuracy(self, features, labels):
        """Share of `labels`, 0 to 1, that are said for features[n, frames, coeffs].

        Features of another shape are cut or filled up with zeros, as a careless server would.
        """
        said = self.says(features)
        return float(np.mean([a == b for a, b in zip(said, labels, strict=True)]))

    def _flat(self, features):
        frames, coeffs = self.shape
        fitted = np.zeros((len(features), frames, coeffs))
        part = features[:, :frames, :coeffs]
        fitted[:, : part.shape[1], : part.shape[2]] = part
        return fitted.reshape(len(features), -1)
