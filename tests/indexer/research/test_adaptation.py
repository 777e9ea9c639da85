"""research/adaptation.py: the batches, and learning an adaptation with a tiny model of random weights."""

import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.research import adaptation as module
from indexer.research.adaptation import Student, batches
from indexer.research.adaptation_texts import Pair, Text
from recommender.encoder.adaptation import Adaptation

SOURCES = ("organisations", "help titles", "help pages", "forums")
TOPICS = ("printer", "salary", "holiday", "password", "parking", "canteen")


def _pair(question: str, key: str, *wrong: str) -> Pair:
    return Pair(question, [Text(key, f"text of {key}")], [Text(name, name) for name in wrong], frozenset({key}))


def _topics() -> dict[str, list[list[Pair]]]:
    """Questions about six topics, each with the only passage about it."""
    pairs = [_pair(f"{topic} how", topic, f"another {topic}") for topic in TOPICS]
    return {name: [pairs] for name in SOURCES}


def test_a_batch_is_of_one_list_of_one_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAIRS", 4)
    pairs = {
        name: [[_pair(f"{name} {number} {n}", f"{n}") for n in range(9)] for number in range(2)] for name in SOURCES
    }
    pairs["forums"].append([])  # an organisation without pairs is left out
    drawn = list(islice(batches(pairs, random.Random(1)), 400))  # noqa: S311
    origins = [{pair.question.rpartition(" ")[0] for pair in batch} for batch in drawn]
    assert all(len(batch) == 4 for batch in drawn) and all(len(origin) == 1 for origin in origins)
    assert all(len({pair.question for pair in batch}) == 4 for batch in drawn)
    counts = {name: sum(name in origin.copy().pop() for origin in origins) / 400 for name in SOURCES}
    for name, share in module._SHARES.items():
        assert counts[name] == pytest.approx(share, abs=0.1)
    assert {number for origin in origins for number in origin.copy().pop()[-1]} == {"0", "1"}


def test_learning_lowers_the_loss_and_the_rebuilt_weights_contain_it(
    tmp_path: Path, tiny_model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    tiny = tiny_model()
    monkeypatch.setattr(module, "_RATE", 1e-2)
    monkeypatch.setattr(module, "_WARM_UP", 1)
    student = Student(tmp_path)
    before = _vector(student)
    assert all(not b.any() and a.any() for b, a in student.changes().values())
    losses = [loss for _step, loss in student.learn(_topics(), 25)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])
    after = _vector(student)
    assert float(before @ after) < 0.999
    assert {name.split(".")[2] for name in student.changes()} == {"4", "5"}  # only the upper layers change

    half = student.changes(0.5)
    for name, (b, a) in student.changes().items():
        np.testing.assert_allclose(half[name][0], b / 2)
        np.testing.assert_array_equal(half[name][1], a)
    state = {name: weight.numpy() for name, weight in tiny.state_dict().items()}
    changed = Adaptation(student.changes(), "", "").apply(state)
    tiny.load_state_dict({name: torch.from_numpy(weight) for name, weight in changed.items()})
    tiny.save_pretrained(tmp_path)
    np.testing.assert_allclose(_vector(Student(tmp_path)), after, atol=0.02)


def test_learning_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(
    tmp_path: Path, tiny_model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model()
    monkeypatch.setattr(module, "_STORE_EVERY", 4)
    whole = Student(tmp_path)
    losses = dict(whole.learn(_topics(), 8))
    stopped, checkpoint = Student(tmp_path), tmp_path / "adaptation.checkpoint"
    list(islice(stopped.learn(_topics(), 8, checkpoint), 6))  # two steps more than the checkpoint has
    resumed = Student(tmp_path)
    rest = dict(resumed.learn(_topics(), 8, checkpoint))
    assert list(rest) == [5, 6, 7, 8]
    assert rest == {step: pytest.approx(losses[step], abs=1e-5) for step in rest}
    for name, (b, a) in whole.changes().items():
        np.testing.assert_allclose(resumed.changes()[name][0], b, atol=1e-6)
        np.testing.assert_allclose(resumed.changes()[name][1], a, atol=1e-6)


def test_a_passage_that_also_answers_never_counts_as_wrong(tmp_path: Path, tiny_model: Callable[[], Any]) -> None:
    tiny_model()
    student = Student(tmp_path)
    passages = {"a": Text("a", "open the tray"), "b": Text("b", "call the janitor")}

    def loss(*alike: str) -> float:
        batch = [
            Pair("printer jam", [passages["a"]], [passages["b"]], frozenset(alike)),
            Pair("salary", [Text("c", "once a month")], (), frozenset({"c"})),
        ]
        return float(student._loss(batch, random.Random(5)).item())  # noqa: S311

    assert loss("a", "b") < loss("a") - 1e-3


@pytest.mark.parametrize("bfloat16", [True, False])
def test_bfloat16_is_used_only_where_the_processor_supports_it(
    tmp_path: Path, tiny_model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, bfloat16: bool
) -> None:
    import torch

    tiny_model()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": bfloat16})
    student = Student(tmp_path)
    types = []
    student._model.encoder.layer[5].output.dense.register_forward_hook(lambda _m, _i, made: types.append(made.dtype))
    _vector(student)
    assert types == [torch.bfloat16 if bfloat16 else torch.float32]


def test_questions_are_also_read_as_people_type_them() -> None:
    typed = {module._as_typed("Where is Room 3?", random.Random(number)) for number in range(30)}  # noqa: S311
    assert typed == {"Where is Room 3?", "where is room 3"}


def _tokenizer_of_bytes() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={name: number for number, name in enumerate(names)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", cls_token="<s>", sep_token="</s>", model_max_length=160
    )


def _vector(student: Student) -> np.ndarray:
    return np.asarray(student._encode(["query: printer"], 16).detach().numpy()[0])


@pytest.fixture
def tiny_model(tmp_path: Path) -> Callable[[], Any]:
    """Saves a model of six small layers of random weights, whose tokens are bytes, and returns it."""

    def made() -> Any:
        import torch
        from transformers import BertConfig, BertModel

        torch.manual_seed(1)
        tokenizer = _tokenizer_of_bytes()
        tokenizer.save_pretrained(tmp_path)
        shape = {"hidden_size": 32, "num_hidden_layers": 6, "num_attention_heads": 2, "intermediate_size": 64}
        tiny = BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=160, **shape), False)
        tiny.save_pretrained(tmp_path)
        return tiny

    return made
