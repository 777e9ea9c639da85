"""`make adaptation`: fine-tunes the packaged model on the cosines of a stronger English model, in English and Finnish.

Distillation (Hinton et al. 2015): questions and passages come in batches of similar texts, and the model learns the
cosines that its teachers give them. The teachers are the model as packaged and all-MiniLM-L6-v2 (Apache-2.0), with
equal shares, and both read the English texts; the model reads the same texts in Finnish too, in each direction (Reimers
and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation"). The text under a
heading also counts as the heading's answer. The upper seven layers change, by matrices of rank 16
(`recommender/encoder/adaptation.py`), and half of each change is stored: the whole change is better on texts like these
and worse on colloquial ones (Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models"). The texts are those of
`adaptation_texts.py`.

Usage: python -m indexer.research.adaptation ROOT, where ROOT contains the unpacked packages; half an hour on two cores
that compute in bfloat16, an hour on two that do not. After it: `make alignment`, `kollega reindex --full`.
"""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.cache import CachingEncoder
from indexer.research.adaptation_texts import Text, texts
from recommender.encoder import Encoder, normalise
from recommender.encoder.adaptation import FILE, Adaptation
from recommender.encoder.load import load_encoder
from recommender.encoder.packaged import MINILM, PROMPTS, SHA256, model_folder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]
SOURCE = (
    "distilled from all-MiniLM-L6-v2 (Apache-2.0) on texts of Debian packages: help and messages of LibreOffice "
    "(MPL-2.0), messages of other programs and Debian's manuals (GPL), WordNet 3.0"
)
# All of these are judgements, except STORED_SHARE.
STEPS = 600
STORED_SHARE = 0.5  # of each change; measured: the whole change ranks colloquial Finnish worse (docs/search.md)
_SIDE, _TOKENS = 64, 80  # questions and passages of a batch; tokens of a text
_RANK, _FROM_LAYER = 16, 5
_RATE, _WARM_UP = 5e-4, 40  # learning rate, and steps in which it rises
_TEACHER_SHARE = 0.5  # of all-MiniLM-L6-v2; the rest is the packaged model's
_TEMPERATURE = 0.05
_PRINT_EVERY = 25  # steps
_BODY_SHARE, _COSINES = 0.3, 10.0  # weight of a heading's body as its answer; weight of the cosines' squared error
_NEAR_HEADINGS, _NEAR_OTHERS, _NEAR_SHARE = 300, 700, 0.7
"""Numbers of similar texts (headings, others) that a batch is drawn from, and the share of batches that are."""
_DIRECTIONS = (("en", "en", 0.4), ("fi", "fi", 0.26), ("fi", "en", 0.17), ("en", "fi", 0.17))
"""(language of questions, of passages, share of the batches)"""
_WORDS = (3, 8, 25)  # bounds of the four groups of texts by their number of words
_LAYERS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip


def main(root: Path) -> None:
    """Learn, and write `adaptation.npz`."""
    settings = Settings.from_environment()
    packaged = model_folder(settings.models_dir, adapted=False)
    headings, alone = texts(root, Analyzer(settings.models_dir / "dictionaries"))
    print(f"{len(headings)} headings with the text under them, {len(alone)} other texts")
    cache = settings.home / "evaluation" / "vectors"
    packaged_teacher, minilm_teacher = (
        CachingEncoder(load_encoder(replace(settings, model=model)), cache) for model in (str(packaged), MINILM)
    )
    pool = Pool.of(headings, alone, packaged_teacher, minilm_teacher)
    packaged_teacher.close()
    minilm_teacher.close()
    student = Student(packaged)
    divergences = []
    for step, (divergence, rate) in enumerate(student.learn(pool, STEPS), 1):
        divergences.append(divergence)
        if step % _PRINT_EVERY == 0:
            print(
                f"{step} of {STEPS}: divergence {np.mean(divergences[-_PRINT_EVERY:]):.3f}, rate {rate:.1e}", flush=True
            )
    Adaptation(student.changes(STORED_SHARE), SHA256, SOURCE).save(FILE)
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")


@dataclass(frozen=True)
class Pool:
    """Texts by row: `english`, `finnish` (None where there is none), the row of a heading's `body` (-1 where there is
    none), and `targets`, unit vectors of both teachers concatenated, shape (texts, dimensions), whose products are the
    cosines to learn."""

    english: Sequence[str]
    finnish: Sequence[str | None]
    body: Numbers
    targets: Vectors

    @classmethod
    def of(cls, headings: Sequence[Text], alone: Sequence[Text], packaged: Encoder, teacher: Encoder) -> "Pool":
        """Headings, their bodies, then the other texts. Both teachers read the English; vectors are centred among texts
        of about the same length."""
        bodies = [heading.body for heading in headings if heading.body]
        rows = [*headings, *bodies, *alone]
        body = np.full(len(rows), -1)
        body[: len(headings)] = len(headings) + np.arange(len(headings))
        english = [row.english for row in rows]
        lengths = np.array([_length(text) for text in english])
        shares = ((packaged, 1 - _TEACHER_SHARE), (teacher, _TEACHER_SHARE))
        sides = [
            math.sqrt(share) * _centred_by_length(encoder.encode_passages(english), lengths)
            for encoder, share in shares
        ]
        return cls(english, [row.finnish for row in rows], body, np.hstack(sides).astype(np.float32))

    def batches(self, rng: np.random.Generator) -> Iterator[tuple[Numbers, Numbers, bool]]:
        """(rows of questions, rows of passages, whether the nth passage answers the nth question), without end. Half of
        the batches are headings and the text under them, the others short or long texts; in most of them the texts are
        similar to each other."""
        words = np.array([len(text.split()) for text in self.english])
        headings, long = np.flatnonzero(self.body >= 0), np.flatnonzero(words >= _WORDS[-1])
        linked = np.zeros(len(words), np.bool_)
        linked[headings] = linked[self.body[headings]] = True
        short = np.flatnonzero(~linked & (words < _WORDS[-1]))
        while True:
            kind = rng.random()
            if kind < 0.5:
                asking = self._draw(headings, _NEAR_HEADINGS, _SIDE, rng)
                yield asking, self.body[asking], True
                continue
            drawn = self._draw(short if kind < 0.8 else long, _NEAR_OTHERS, 2 * _SIDE, rng)
            yield drawn[: len(drawn) // 2], drawn[len(drawn) // 2 : len(drawn) // 2 * 2], False

    def _draw(self, rows: Numbers, closest: int, count: int, rng: np.random.Generator) -> Numbers:
        if rng.random() < _NEAR_SHARE and len(rows) > closest:
            cosines = self.targets[rows] @ self.targets[rng.choice(rows)]
            rows = rows[np.argpartition(-cosines, closest)[:closest]]
        return rng.choice(rows, min(count, len(rows)), replace=False)


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
        self._means: dict[tuple[str, str, int], Any] = {}

    def changes(self, share: float = 1.0) -> dict[str, tuple[Vectors, Vectors]]:
        """What was learned, or a share of it, as in `Adaptation.changes`."""
        return {name: (share * b.detach().numpy(), a.detach().numpy()) for name, (b, a) in self._pairs.items()}

    def learn(self, pool: Pool, steps: int) -> Iterator[tuple[float, float]]:
        """Take `steps` steps (AdamW; the learning rate falls like a cosine). After each step, yields the
        Kullback-Leibler divergence between its cosines and the teachers', in nats, and the rate."""
        torch = self._torch
        weights = [weight for pair in self._pairs.values() for weight in pair]
        optimiser = torch.optim.AdamW(weights, _RATE, weight_decay=0.0, betas=(0.9, 0.98))
        rng = np.random.default_rng(0)
        batches = pool.batches(rng)
        directions = [(asked, answered) for asked, answered, _share in _DIRECTIONS]
        for step in range(steps):
            rate = _RATE * min(1.0, (step + 1) / _WARM_UP) * max(0.02, (1 + math.cos(math.pi * step / steps)) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            asking, answering, linked = next(batches)
            question_language, passage_language = directions[
                rng.choice(len(directions), p=[share for _asked, _answered, share in _DIRECTIONS])
            ]
            cosines = self._cosines(pool, asking, question_language, answering, passage_language)
            wanted = torch.from_numpy(pool.targets[asking] @ pool.targets[answering].T)
            divergence = (self._divergence(cosines, wanted, linked) + self._divergence(cosines.T, wanted.T, linked)) / 2
            (divergence + _COSINES * (cosines - wanted).square().mean()).backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            yield divergence.item(), rate

    def _divergence(self, cosines: Any, wanted: Any, linked: bool) -> Any:
        functional = self._torch.nn.functional
        goal = functional.softmax(wanted / _TEMPERATURE, 1)
        if linked:
            goal = (1 - _BODY_SHARE) * goal + _BODY_SHARE * self._torch.eye(len(goal))
        return functional.kl_div(functional.log_softmax(cosines / _TEMPERATURE, 1), goal, reduction="batchmean")

    def _cosines(
        self, pool: Pool, asking: Numbers, question_language: str, answering: Numbers, passage_language: str
    ) -> Any:
        """Cosines of questions and passages, shape (questions, passages), centred as in `index/vector_space.py`."""
        rows = [(PROMPTS["query"], row, question_language) for row in asking] + [
            (PROMPTS["document"], row, passage_language) for row in answering
        ]
        inputs, groups = [], []
        for prompt, row, language in rows:
            finnish = pool.finnish[row] if language == "fi" else None
            inputs.append(prompt + (finnish or pool.english[row]))
            groups.append((prompt, "fi" if finnish else "en", _length(pool.english[row])))
        vectors = self._centred(self._encode(inputs), groups)
        return vectors[: len(asking)] @ vectors[len(asking) :].T

    def _encode(self, inputs: Sequence[str]) -> Any:
        """Unit vectors, shape (texts, dimension), made in batches of about the same length."""
        torch = self._torch
        ids = self._tokenizer(list(inputs), truncation=True, max_length=_TOKENS)["input_ids"]
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

    def _centred(self, vectors: Any, groups: Sequence[tuple[str, str, int]]) -> Any:
        """Vectors minus the running mean of those with the same prompt, language and length."""
        torch = self._torch
        centred = torch.empty_like(vectors)
        for group in sorted(set(groups)):
            rows = torch.tensor([row for row, other in enumerate(groups) if other == group])
            mean = vectors[rows].detach().mean(0)
            share = 0.1 * min(1.0, len(rows) / _SIDE)
            self._means[group] = (1 - share) * self._means[group] + share * mean if group in self._means else mean
            centred[rows] = vectors[rows] - self._means[group]
        return torch.nn.functional.normalize(centred, dim=1)


def _changed(linear: Any, b: Any, a: Any) -> Any:
    import torch

    def forward(states: Any) -> Any:
        return torch.nn.functional.linear(states, linear.weight + b @ a, linear.bias)

    return forward


def _length(text: str) -> int:
    """The group of a text, 0 to 3, by its number of words."""
    return int(np.searchsorted(_WORDS, len(text.split()), side="right"))


def _centred_by_length(vectors: Vectors, lengths: NDArray[np.int64]) -> Vectors:
    centred = np.array(vectors, np.float32)
    for length in set(lengths.tolist()):
        centred[lengths == length] -= centred[lengths == length].mean(axis=0)
    return normalise(centred)


if __name__ == "__main__":
    started = time.monotonic()
    main(Path(sys.argv[1]))
    print(f"{(time.monotonic() - started) / 60:.0f} minutes")
