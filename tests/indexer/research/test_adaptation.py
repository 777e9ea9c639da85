"""research/adaptation.py and research/adaptation_texts.py: the texts to learn from, and learning an adaptation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.evaluation.sets import Query
from indexer.research import adaptation as module
from indexer.research.adaptation import Pool, Student
from indexer.research.adaptation_texts import MANUALS, WIKI, WORDNET, Text, texts
from indexer.research.alignment import HELP
from recommender.encoder import normalise
from recommender.encoder.adaptation import Adaptation
from recommender.encoder.packaged import model_folder
from recommender.language.analyzer import Analyzer
from recommender.settings import Settings
from tests.conftest import FakeEncoder


def test_a_heading_has_its_finnish_translation_and_the_text_below_it(tmp_path: Path, analyzer: Analyzer) -> None:
    def write_page(language: str, key: str, *parts: str) -> None:
        path = tmp_path / HELP / language / "text" / f"{key}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(parts), encoding="utf-8")

    keys = [f"swriter/{number}" for number in range(20)]
    train_page = next(key for key in keys if Query(f"page:{key}", "", "fi", "", {}).part == "train")
    test_page = next(key for key in keys if Query(f"page:{key}", "", "fi", "", {}).part == "test")
    body = "Choose the printer that you would like to print with, and how many copies."
    finnish_body = "Valitse tulostin, jolla haluat tulostaa, ja kuinka monta kopiota tarvitset."
    write_page("en-US", train_page, '<h1 id="a">Printing</h1>', f'<p id="b">{body}</p>', '<h2 id="c">Empty</h2>')
    write_page("fi", train_page, '<h1 id="a">Tulostaminen</h1>', f'<p id="b">{finnish_body}</p>')
    write_page("en-US", test_page, '<h1 id="a">Secret</h1>', f'<p id="b">{body} Secret.</p>')
    manual = tmp_path / MANUALS / "debian-faq" / "index.en.html"
    manual.parent.mkdir(parents=True)
    section = "<h2>4.1 Where is the log?</h2><p>{} the log is under /var/log, where each program keeps its own. {}</p>"
    manual.write_text(section.format("On most machines", "Look there first. " * 5), encoding="utf-8")
    manual.with_name("index.fr.html").write_text(section.format("In French", "x " * 50), encoding="utf-8")
    (tmp_path / WIKI).mkdir(parents=True)
    english = {"a": "You are '''not''' logged in", "b": "Two words", "c": "Same in both languages"}
    finnish = {"a": "Et ole kirjautunut sisään", "b": "Kaksi sanaa", "c": "Same in both languages"}
    for name, messages in (("en.json", english), ("fi.json", finnish)):
        (tmp_path / WIKI / name).write_text(json.dumps(messages), encoding="utf-8")
    (tmp_path / WORDNET).mkdir(parents=True)
    line = '0001 04 n 01 ink_pad 0 000 | a pad soaked in ink; "she pressed the stamp on it"  \n'
    (tmp_path / WORDNET / "data.noun").write_text("  1 licence | text\n" + line, encoding="utf-8")

    headings, alone = texts(tmp_path, analyzer)
    assert headings[0] == Text("Printing", "Tulostaminen", Text(body, finnish_body))
    assert [each.english for each in headings] == ["Printing", "Where is the log?", "ink pad"]
    assert headings[2].body == Text("a pad soaked in ink")
    assert sorted(each.english for each in alone) == [body, "You are not logged in", "she pressed the stamp on it"]
    assert Text("You are not logged in", "Et ole kirjautunut sisään") in alone


def test_targets_are_the_mean_cosines_of_both_teachers() -> None:
    headings = [Text("printer jam", None, Text("open the tray of the printer and take the paper out"))]
    alone = [Text("take the paper out of the tray and see whether a part of it is left")]
    alone += [Text("paper jam in printer"), Text("salary is late"), Text("salary slip")]
    first_teacher, second_teacher = FakeEncoder("one"), FakeEncoder("two")
    pool = Pool.of(headings, alone, first_teacher, second_teacher)
    assert pool.body.tolist() == [1, -1, -1, -1, -1, -1]
    np.testing.assert_allclose((pool.targets**2).sum(axis=1), 1.0, atol=1e-5)
    # texts of three and four words
    pair = first_teacher.encode_passages(["salary is late", "paper jam in printer"])
    mean = pair.mean(axis=0)
    expected = normalise(pair - mean) @ normalise(pair - mean).T  # both teachers give the same cosine here
    assert pool.targets[3] @ pool.targets[4] == pytest.approx(expected[0, 1], abs=1e-5)


def test_a_batch_pairs_headings_with_their_bodies_or_holds_texts_of_one_kind() -> None:
    rng = np.random.default_rng(1)
    headings = [Text(f"heading {n}", None, Text(f"the text under it {n}")) for n in range(400)]
    alone = [Text(f"short {n}") for n in range(200)] + [Text(f"long {n} " + "word " * 30) for n in range(200)]
    pool = Pool.of(headings, alone, FakeEncoder(), FakeEncoder())
    batches = pool.batches(rng)
    kinds = set()
    for _number in range(40):
        first, second, paired = next(batches)
        assert len(first) == len(second) == 64 and len({*first, *second}) == 128
        kinds.add((paired, first[0] < 400, first[0] >= 1000))
        assert not paired or (second == first + 400).all()
        assert paired or {row >= 1000 for row in [*first, *second]} == {bool(first[0] >= 1000)}
    assert kinds == {(True, True, False), (False, False, False), (False, False, True)}


def test_learning_lowers_the_divergence_and_the_rebuilt_weights_contain_it(
    tmp_path: Path, real_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    tiny = _tiny_model(tmp_path, real_settings)
    topics = ("printer", "salary", "holiday", "password")
    alone = [Text(f"{topic} number {n}", f"{topic} numero {n}") for topic in topics for n in range(40)]
    pool = Pool.of([], alone, FakeEncoder(), FakeEncoder())
    student = Student(tmp_path)
    before = student._encode(["query: printer"]).detach().numpy()
    assert all(not b.any() and a.any() for b, a in student.changes().values())
    monkeypatch.setattr(module, "_RATE", 1e-2)
    monkeypatch.setattr(Pool, "batches", _only_short)
    rows = [divergence for divergence, _rate in student.learn(pool, 30)]
    assert np.mean(rows[-5:]) < 0.8 * np.mean(rows[:5])

    after = student._encode(["query: printer"]).detach().numpy()
    assert (before * after).sum() < 0.999
    state = {name: weight.numpy() for name, weight in tiny.state_dict().items()}
    changed = Adaptation(student.changes()).apply(state)
    tiny.load_state_dict({name: torch.from_numpy(weight) for name, weight in changed.items()})
    tiny.save_pretrained(tmp_path)
    np.testing.assert_allclose(Student(tmp_path)._encode(["query: printer"]).detach().numpy(), after, atol=0.02)


@pytest.mark.parametrize("bfloat16", [True, False])
def test_bfloat16_is_used_only_where_the_processor_supports_it(
    tmp_path: Path, real_settings: Settings, monkeypatch: pytest.MonkeyPatch, bfloat16: bool
) -> None:
    import torch

    _tiny_model(tmp_path, real_settings)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": bfloat16})
    student = Student(tmp_path)
    types = []
    student._model.encoder.layer[6].output.dense.register_forward_hook(lambda _m, _i, made: types.append(made.dtype))
    student._encode(["query: printer"])
    assert types == [torch.bfloat16 if bfloat16 else torch.float32]


def _tiny_model(folder: Path, real_settings: Settings) -> Any:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(1)
    AutoTokenizer.from_pretrained(model_folder(real_settings.models_dir)).save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 7, "num_attention_heads": 2, "intermediate_size": 64}
    tiny = BertModel(BertConfig(vocab_size=250_037, max_position_embeddings=128, **shape), add_pooling_layer=False)
    tiny.save_pretrained(folder)
    return tiny


def _only_short(pool: Pool, rng: np.random.Generator) -> Any:
    while True:
        rows = rng.permutation(len(pool.english))[:64]
        yield rows[:32], rows[32:], False
