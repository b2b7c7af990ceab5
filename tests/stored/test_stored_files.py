"""Files of a run as DuckDB and pandas open them: no reader of ours, no option, no cast."""

import json
import os
import random
import subprocess
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas
import pyarrow.parquet

PEOPLE = 300

PLAN = {
    "format": 1,
    "name": {"es": "Archivos", "en": "Files"},
    "version": 1,
    "time_zone": "America/Bogota",
    "currencies": {"base": "USD", "earners": [{"currency": "COP", "per_base_unit": "4012.37"}]},
    "activity": {"rule": "own_vq >= 40"},
    "catalogue": {"enabled": ["PVQ", "PVC", "TVQ", "GVC"]},
    "indicators": [
        {"code": "MEAN", "name": {"es": "Promedio", "en": "Mean"}, "unit": "ratio", "measure": "vq", "aggregate": "average", "scope": "downline"}
    ],
    "ranks": {"steps": [{"code": "silver", "name": {"es": "Plata", "en": "Silver"}, "rule": "TVQ >= 500"}]},
    "bonuses": [
        {
            "code": "levels",
            "name": {"es": "Niveles", "en": "Levels"},
            "pays": {"unilevel": {"on": {"orders": "vc"}, "rates": {"by-level": ["0.0733", "0.0317"]}, "qualified": "active", "compression": "dynamic"}},
        },
        {"code": "own", "name": {"es": "Propio", "en": "Own"}, "pays": {"percentage": {"of": "PVC", "rate": {"fixed": "0.0151"}}}},
    ],
}


def simulated(folder):
    """A run of a random company in `folder`."""
    dice = random.Random(7)
    people = ["id,parent,currency,joined_on"]
    orders = ["id,person,paid_at,vq,vc"]
    for number in range(PEOPLE):
        parent = f"p{dice.randrange(number):03}" if number else ""
        people.append(f"p{number:03},{parent},{dice.choice(['USD', 'COP'])},2026-0{dice.randrange(1, 10)}-15")
        for order in range(dice.randrange(3)):
            volume = Decimal(dice.randrange(1, 20_000)) / 100
            orders.append(f"o{number:03}-{order},p{number:03},2026-10-{dice.randrange(1, 28):02}T12:00:00Z,{volume},{volume}")
    files = {"people.csv": "\n".join(people) + "\n", "orders.csv": "\n".join(orders) + "\n", "plan.json": json.dumps(PLAN)}
    for name, text in files.items():
        (folder / name).write_text(text)
    given = ["--people", "people.csv", "--orders", "orders.csv", "--plan", "plan.json"]
    subprocess.run([os.environ["CEIBA"], "simulate", *given, "--format", "parquet", "--out", "run", "--quiet"], cwd=folder, check=True, timeout=120)
    return folder / "run"


class StoredFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.run_folder = simulated(Path(cls.folder.name))
        cls.files = sorted(cls.run_folder.rglob("*.parquet"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def table(self, name):
        return str(self.run_folder / f"{name}.parquet")

    def test_every_file_opens_in_both_with_the_same_rows_and_columns(self):
        names = {file.stem for file in self.files}
        self.assertLessEqual({"indicators", "ranks", "payouts", "totals", "people", "orders"}, names)
        for file in self.files:
            with self.subTest(file.name):
                frame = pandas.read_parquet(file)
                found = duckdb.sql(f"select * from '{file}'")
                self.assertEqual(list(frame.columns), found.columns)
                self.assertEqual(len(frame), duckdb.sql(f"select count(*) from '{file}'").fetchall()[0][0])

    def test_numbers_days_moments_and_truths_keep_their_kinds(self):
        kinds = {
            ("people", "joined_on"): "DATE",
            ("orders", "paid_at"): "TIMESTAMP WITH TIME ZONE",
            ("indicators", "PVQ"): "DECIMAL(18,4)",
            ("indicators", "MEAN"): "DECIMAL(38,18)",
            ("indicators", "active"): "BOOLEAN",
            ("payouts", "exact"): "DECIMAL(38,24)",
            ("payouts", "amount"): "DECIMAL(18,4)",
            ("payouts", "earner"): "VARCHAR",
        }
        paths = {file.stem: file for file in self.files}
        for (table, column), kind in kinds.items():
            with self.subTest(f"{table}.{column}"):
                self.assertEqual(str(duckdb.sql(f"select {column} from '{paths[table]}'").types[0]), kind)

    def test_the_mean_of_nobody_is_null_and_all_other_means_are_those_of_the_numbers(self):
        frame = pandas.read_parquet(self.table("indicators"))
        nobody = frame["MEAN"].isna()
        self.assertGreater(nobody.sum(), 0)
        self.assertGreater((~nobody).sum(), 0)
        rows = duckdb.sql(f"select count(*) from '{self.table('indicators')}' where MEAN is null").fetchall()[0][0]
        self.assertEqual(rows, nobody.sum())

    def test_rounded_lines_and_residual_are_the_exact_amount_by_bonus_and_currency(self):
        lines = duckdb.sql(
            f"select bonus, currency, count(*), sum(amount), sum(exact) from '{self.table('payouts')}' group by all order by all"
        ).fetchall()
        totals = duckdb.sql(
            f"select bonus, currency, lines, amount, exact, residual from '{self.table('totals')}' where person = '' and bonus <> '' order by all"
        ).fetchall()
        self.assertEqual([line[:2] for line in lines], [total[:2] for total in totals])
        self.assertGreater(len(lines), 2)
        for line, total in zip(lines, totals):
            self.assertEqual(line[2:], tuple(total[2:5]), line[0])
            self.assertEqual(total[3] + total[5], total[4], line[0])

    def test_what_pandas_adds_up_is_what_duckdb_adds_up(self):
        frame = pandas.read_parquet(self.table("payouts"))
        summed = {currency: sum(lines["amount"]) for currency, lines in frame.groupby("currency")}
        found = dict(duckdb.sql(f"select currency, sum(amount) from '{self.table('payouts')}' group by currency").fetchall())
        self.assertEqual(summed, found)

    def test_files_of_the_engine_say_what_they_are(self):
        for name in ["indicators", "payouts"]:
            facts = pyarrow.parquet.read_metadata(self.table(name)).metadata
            self.assertEqual(facts[b"ceiba.file"], name.encode())
            self.assertEqual(facts[b"ceiba.format"], b"1")
            self.assertEqual(len(facts[b"ceiba.plan"]), 64)


if __name__ == "__main__":
    unittest.main()
