"""BoTorch: SingleTaskGP with its default priors, and qLogEI over the whole cube, a batch a round (sequential greedy)."""

from __future__ import annotations

import botorch
import numpy as np
import torch
from botorch.acquisition import qLogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.transforms import Standardize
from botorch.optim import optimize_acqf
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch.quasirandom import SobolEngine


class QLogEI:
    """Starts with max(2 rounds, 2 d) Sobol points, as ours does."""

    version = f"botorch {botorch.__version__}"

    def __init__(self, d: int, workers: int, seed: int) -> None:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.d, self.workers = d, workers
        self.design_rounds = max(2, -(-2 * d // workers))
        self.design = SobolEngine(d, scramble=True, seed=seed).draw(self.design_rounds * workers, dtype=torch.double)
        self.X, self.y = torch.empty(0, d, dtype=torch.double), torch.empty(0, 1, dtype=torch.double)

    def ask(self) -> np.ndarray:
        if len(self.X) < len(self.design):
            return self.design[len(self.X) : len(self.X) + self.workers].numpy()
        model = SingleTaskGP(self.X, -self.y, outcome_transform=Standardize(1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = qLogExpectedImprovement(model, best_f=(-self.y).max())
        bounds = torch.tensor([[0.0] * self.d, [1.0] * self.d], dtype=torch.double)
        batch, _ = optimize_acqf(acquisition, bounds, q=self.workers, num_restarts=4, raw_samples=256, sequential=True)
        return batch.detach().numpy()

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        self.X = torch.cat([self.X, torch.as_tensor(U, dtype=torch.double)])
        self.y = torch.cat([self.y, torch.as_tensor(y, dtype=torch.double)[:, None]])


def make(name: str, dimensions: list, workers: int, seed: int) -> QLogEI:
    return QLogEI(len(dimensions), workers, seed)
