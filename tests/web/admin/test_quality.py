"""The page about quality: what decides, what a calibration has found, and having it done again."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker

from recommender import audit
from recommender.database.job_tables import Job
from recommender.jobs.kinds import CALIBRATE, TRAIN
from recommender.monitoring.quality import First, report
from recommender.settings import Settings
from tests.conftest import sign_in


def test_an_admin_sees_what_was_found_and_has_it_done_again(
    open_client: Callable[[], FlaskClient], add_person: Callable[..., int], add_request: Callable[..., int],
    settings: Settings, sessions: sessionmaker[Session],
) -> None:  # fmt: skip
    add_person("aino", "admin")
    add_person("matti", "lead", "it")
    add_request("Printer")
    client = open_client()
    aino = sign_in(client, "aino")
    page = aino.get("/admin/quality/").text
    assert (
        "weights that ship with Kollega" in page
        and "Nothing is known of them yet" in page
        and "reliability" not in page
    )
    firsts = [First(0.1, False, False), First(0.9, True, True), First(0.9, False, False)]
    report([0.1, 0.9, 0.9], [False, True, False], 130, 140, True, firsts).write(settings.index_dir)
    page = aino.get("/admin/quality/").text
    assert "130 questions that had an answer and 140 that had none" in page and "reliability" in page
    assert "80%-100% (2)" in page and "<td>90%</td><td>50%</td>" in page  # the table behind the picture
    assert "KOLLEGA_ANSWER_FROM" in page and "<td>100%</td><td>100%</td><td>50%</td>" in " ".join(page.split())
    assert aino.post("/admin/quality/calibrate").status_code == 302
    aino.post("/admin/quality/calibrate")  # the same job waits already
    assert aino.post("/admin/quality/train").location.startswith("/admin/jobs/")
    with sessions() as session:
        assert [job.kind for job in session.query(Job)] == [CALIBRATE, TRAIN]
        assert [entry.action for entry in audit.entries(session, action="job")] == ["job.added", "job.added"]
    matti = sign_in(client, "matti")
    assert matti.get("/admin/quality/").status_code == matti.post("/admin/quality/calibrate").status_code == 403
