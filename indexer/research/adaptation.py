"""`make adaptation`: fine-tunes the packaged model on questions and what answers them, in three languages.

Contrastive learning (van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding"; Karpukhin
et al. 2020, "Dense Passage Retrieval"): each question of a batch shall be nearer to its own passage than to the others
of the batch and to outdated ones, and each passage nearer to its own question. The upper eight layers change, by
matrices of rank 8 (`recommender/encoder/adaptation.py`). The texts are those of `adaptation_texts.py`.

Usage: python -m indexer.research.adaptation PAIRS SETS FILE ORGANISATION..., where PAIRS is the gzipped file of help
titles, SETS the folder of the evaluation sets, and each ORGANISATION a folder. A checkpoint stands beside FILE; the
same command goes on from it. Half an hour on two cores that compute in bfloat16. After it: `make alignment`, `make
rerank`, `python -m indexer.research.demo_vectors`.
"""

import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.research.adaptation_texts import Pair, Text, groups
from recommender.encoder.adaptation import Adaptation
from recommender.encoder.packaged import PROMPTS, SHA256, model_folder
from recommender.settings import Settings

Vectors = NDArray[np.float32]
SOURCE = "taught on invented organisations' questions, and on titles and text of help pages (CC BY 4.0, see NOTICE)"
# All of these are judgements.
STEPS = 500
_SHARES = {"organisations": 0.35, "help titles": 0.30, "help pages": 0.20, "forums": 0.15}  # of the batches
_PAIRS, _WRONG = 32, 10  # pairs of a batch, and at most so many wrong passages beside theirs
_QUESTION_TOKENS, _PASSAGE_TOKENS = 96, 144
_RANK, _FROM_LAYER = 8, 4
_RATE, _WARM_UP = 4e-4, 40  # learning rate, and steps in which it rises
_TEMPERATURE = 0.03
_PLAIN_SHARE = 0.3  # of the questions that are read in lower case and without their last character if it is a mark
_PRINT_EVERY, _STORE_EVERY = 25, 100  # steps
_LAYERS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip


def main(titles: Path, sets: Path, target: Path, organisations: Sequence[Path]) -> None:
    """Learn, and write `target`."""
    pairs = groups(titles, sets, organisations)
    print({name: sum(map(len, lists)) for name, lists in pairs.items()}, flush=True)
    student = Student(model_folder(Settings.from_environment().models_dir, adapted=False))
    checkpoint = target.with_suffix(".checkpoint")
    losses: list[float] = []
    for step, loss in student.learn(pairs, STEPS, checkpoint):
        losses.append(loss)
        if step % _PRINT_EVERY == 0:
            print(f"{step} of {STEPS}: loss {np.mean(losses[-_PRINT_EVERY:]):.3f}", flush=True)
        if step % _STORE_EVERY == 0:
            Adaptation(student.changes(), SHA256, SOURCE).save(target)
    Adaptation(student.changes(), SHA256, SOURCE).save(target)
    checkpoint.unlink(missing_ok=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def batches(pairs: Mapping[str, Sequence[Sequence[Pair]]], rng: random.Random) -> Iterator[list[Pair]]:
    """Batches without end, each of different pairs of one list of one source."""
    names = list(pairs)
    while True:
        name = rng.choices(names, [_SHARES[name] for name in names])[0]
        source = rng.choice([pairs_of_list for pairs_of_list in pairs[name] if pairs_of_list])
        yield rng.sample(source, min(_PAIRS, len(source)))


class Student:
    """The packaged model with low-rank changes that can be learned. Runs on PyTorch, in bfloat16 where that is fast."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoTokenizer, BertModel, logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.manual_seed(0)
        self._torch = torch
        features = torch.cpu.get_capabilities()
        # Measured: bfloat16 is 17 times slower on processors that only emulate it.
        self._half = bool(features.get("avx512_bf16") or features.get("amx_bf16"))
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval().requires_grad_(False)
        self._pairs: dict[str, tuple[Any, Any]] = {}
        for number in range(_FROM_LAYER, len(self._model.encoder.layer)):
            for name in _LAYERS:
                linear = self._model.get_submodule(f"encoder.layer.{number}.{name}")
                b = torch.zeros(linear.out_features, _RANK, requires_grad=True)
                a = (torch.randn(_RANK, linear.in_features) / math.sqrt(linear.in_features)).requires_grad_()
                linear.forward = _changed(linear, b, a)
                self._pairs[f"encoder.layer.{number}.{name}.weight"] = (b, a)

    def changes(self, share: float = 1.0) -> dict[str, tuple[Vectors, Vectors]]:
        """What was learned, or a share of it, as in `Adaptation.changes`."""
        return {name: (share * b.detach().numpy(), a.detach().numpy()) for name, (b, a) in self._pairs.items()}

    def learn(
        self, pairs: Mapping[str, Sequence[Sequence[Pair]]], steps: int, checkpoint: Path | None = None
    ) -> Iterator[tuple[int, float]]:
        """Take `steps` steps (AdamW; the learning rate falls like a cosine), going on from the checkpoint if there is
        one. After each step, yields its number and the loss, in nats."""
        torch = self._torch
        weights = [weight for pair in self._pairs.values() for weight in pair]
        optimiser = torch.optim.AdamW(weights, _RATE, weight_decay=0.0, betas=(0.9, 0.98))
        done = self._restore(checkpoint, weights, optimiser)
        for step in range(done, steps):
            rate = _RATE * min(1.0, (step + 1) / _WARM_UP) * max(0.02, (1 + math.cos(math.pi * step / steps)) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            rng = random.Random(step)  # noqa: S311
            loss = self._loss(next(batches(pairs, rng)), rng)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            if checkpoint and (step + 1) % _STORE_EVERY == 0:
                torch.save({"step": step + 1, "weights": weights, "optimiser": optimiser.state_dict()}, checkpoint)
            yield step + 1, loss.item()

    def _restore(self, checkpoint: Path | None, weights: Sequence[Any], optimiser: Any) -> int:
        """The number of steps that the checkpoint has taken."""
        if not checkpoint or not checkpoint.exists():
            return 0
        state = self._torch.load(checkpoint, weights_only=True)
        with self._torch.no_grad():
            for weight, stored in zip(weights, state["weights"], strict=True):
                weight.copy_(stored)
        optimiser.load_state_dict(state["optimiser"])
        return int(state["step"])

    def _loss(self, batch: Sequence[Pair], rng: random.Random) -> Any:
        torch = self._torch
        questions = [_as_typed(pair.question, rng) for pair in batch]
        own = [rng.choice(pair.passages) for pair in batch]
        candidates: list[Text] = [rng.choice(pair.wrong) for pair in batch if pair.wrong]
        passages = [*own, *rng.sample(candidates, min(_WRONG, len(candidates)))]
        asked = self._encode([PROMPTS["query"] + text for text in questions], _QUESTION_TOKENS)
        read = self._encode([PROMPTS["document"] + passage.text for passage in passages], _PASSAGE_TOKENS)
        cosines = asked @ read.T / _TEMPERATURE
        excluded = torch.tensor(
            [
                [row != column and passage.key in pair.alike for column, passage in enumerate(passages)]
                for row, pair in enumerate(batch)
            ]
        )
        cosines = cosines.masked_fill(excluded, -1e4)
        right = torch.arange(len(batch))
        functional = torch.nn.functional
        from_question = functional.cross_entropy(cosines, right)
        from_passage = functional.cross_entropy(cosines[:, : len(batch)].T, right)
        return (from_question + from_passage) / 2

    def _encode(self, inputs: Sequence[str], longest: int) -> Any:
        """Unit vectors, shape (texts, dimension), made in batches of about the same length."""
        torch = self._torch
        ids = self._tokenizer(list(inputs), truncation=True, max_length=longest)["input_ids"]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        made = []
        for at in range(0, len(ids), max(8, len(ids) // 4)):
            rows = order[at : at + max(8, len(ids) // 4)]
            width = max(len(ids[row]) for row in rows)
            tokens = torch.full((len(rows), width), self._tokenizer.pad_token_id)
            mask = torch.zeros(len(rows), width)
            for line, row in enumerate(rows):
                tokens[line, : len(ids[row])] = torch.tensor(ids[row])
                mask[line, : len(ids[row])] = 1
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._half):
                states = self._model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
            made.append((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))
        back = torch.empty(len(ids), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(ids))
        return torch.nn.functional.normalize(torch.cat(made)[back], dim=1)


def _as_typed(question: str, rng: random.Random) -> str:
    """The question, or as people type it: in lower case, without a mark at its end."""
    return question.lower().rstrip("?!. ") if rng.random() < _PLAIN_SHARE else question


def _changed(linear: Any, b: Any, a: Any) -> Any:
    import torch

    def forward(states: Any) -> Any:
        return torch.nn.functional.linear(states, linear.weight + b @ a, linear.bias)

    return forward


if __name__ == "__main__":
    started = time.monotonic()
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), [Path(folder) for folder in sys.argv[4:]])
    print(f"{(time.monotonic() - started) / 60:.0f} minutes")
