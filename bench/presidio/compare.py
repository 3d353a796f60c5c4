"""Presidio's own synthetic benchmark, scored with Presidio's own scorer: Presidio beside watertight.

The sentences are made by the recipe that presidio-research publishes: presidio-evaluator's generator with the templates and
people that are in the package, seeded. Presidio runs on a blank English pipeline of spaCy with lemmas from a table (its
context words are compared by lemma); no language model, so kinds that need one are not compared.

Usage: compare.py BENCH SENTENCES SEED     (BENCH: the program watertight-bench, whose `spans` tells our spans)
Prints a page in Markdown. With SHOW=1 in the environment, prints what each of both has wrong instead.
"""

import contextlib
import io
import json
import logging
import os
import random
import subprocess
import sys
import time
import warnings

import numpy
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistry
from presidio_evaluator import InputSample, span_to_tag
from presidio_evaluator.data_generator import PresidioSentenceFaker
from presidio_evaluator.evaluation import SpanEvaluator
from presidio_evaluator.models import BaseModel, PresidioAnalyzerWrapper

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)

# Kinds that both have, as the benchmark calls them, and ours for each.
KINDS = {
    "CREDIT_CARD": ["card", "cn-bank-card"],
    "EMAIL_ADDRESS": ["email"],
    "IBAN_CODE": ["iban"],
    "IP_ADDRESS": ["ip-address"],
    "PHONE_NUMBER": ["phone", "us-phone", "phone-national", "cn-mobile", "cn-landline"],
    "US_SSN": ["us-ssn"],
}
OURS = {kind: name for name, kinds in KINDS.items() for kind in kinds}


def blank():
    """English without a model: words, and lemmas from a table."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("lemmatizer", config={"mode": "lookup"})
    pipeline.initialize()
    return pipeline


class BlankEngine(SpacyNlpEngine):
    """Presidio's engine around that."""

    def __init__(self, pipeline):
        super().__init__()
        self.nlp = {"en": pipeline}


class Watertight(BaseModel):
    """Our spans as tags."""

    def __init__(self, program):
        super().__init__(entities_to_keep=list(KINDS))
        self.program = program
        self.name = "watertight"

    def predict(self, sample, **kwargs):
        return self.batch_predict([sample])[0]

    def batch_predict(self, dataset, **kwargs):
        texts = json.dumps([sample.full_text for sample in dataset])
        run = subprocess.run([self.program, "spans"], input=texts, capture_output=True, text=True, check=True)
        told = json.loads(run.stdout)
        return [self.tags(sample, spans) for sample, spans in zip(dataset, told, strict=True)]

    @staticmethod
    def tags(sample, spans):
        spans = [span for span in spans if span["kind"] in OURS]
        return span_to_tag(
            scheme="IO",
            text=sample.full_text,
            starts=[span["start"] for span in spans],
            ends=[span["end"] for span in spans],
            tokens=sample.tokens,
            scores=[1.0] * len(spans),
            tags=[OURS[span["kind"]] for span in spans],
        )


def sentences(count, seed, pipeline):
    """The data set: the recipe of presidio-research's notebook 1."""
    sys.modules[span_to_tag.__module__].loaded_spacy["en_core_web_sm"] = pipeline
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        random.seed(seed)
        numpy.random.seed(seed)
        faker = PresidioSentenceFaker("en_US", lower_case_ratio=0.05, random_seed=seed)
        made = faker.generate_new_fake_sentences(num_samples=count)
        return [InputSample(one.full_text, spans=one.spans, create_tags_from_span=True) for one in made]


def scored(model, dataset):
    """F1, precision and recall of each kind and of all together, by the scorer of presidio-evaluator."""
    begun = time.process_time()
    table = model.predict_dataset(dataset)
    seconds = time.process_time() - begun
    known = lambda tag: tag if tag in KINDS else "O"  # noqa: E731
    table["annotation"] = table["annotation"].map(known)
    table["prediction"] = table["prediction"].map(known)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = SpanEvaluator(entities_to_keep=list(KINDS), iou_threshold=0.9, char_based=True)
        result = evaluator.calculate_score_on_df(table)
    return result, table, seconds


def measures(true, annotated, predicted):
    precision = true / predicted if predicted else float("nan")
    recall = true / annotated if annotated else float("nan")
    f1 = 2 * true / (annotated + predicted) if annotated + predicted else float("nan")
    return f"{f1:.3f} | {precision:.3f} | {recall:.3f}"


def page(results, dataset, seed):
    lines = [
        f"{len(dataset)} sentences by the recipe of presidio-research (presidio-evaluator's templates and people, seed {seed}),"
        " scored with its SpanEvaluator (IoU 0.9). Presidio runs on a blank spaCy pipeline with a table of lemmas, at the"
        " threshold of its own evaluation, 0.4.",
        "",
        "| kind | spans | Presidio F1 | precision | recall | watertight F1 | precision | recall |",
        "|---|---|---|---|---|---|---|---|",
    ]
    sums = [[0, 0, 0] for _ in results]
    for kind in KINDS:
        cells = []
        for place, result in enumerate(results):
            of = result.per_type.get(kind)
            counts = (of.true_positives, of.num_annotated, of.num_predicted) if of else (0, 0, 0)
            sums[place] = [one + two for one, two in zip(sums[place], counts, strict=True)]
            cells.append((counts, measures(*counts)))
        spans = max(counts[1] for counts, _ in cells)
        lines.append(f"| {kind} | {spans} | " + " | ".join(cell for _, cell in cells) + " |")
    spans = max(one[1] for one in sums)
    lines.append(f"| all (micro) | {spans} | " + " | ".join(measures(*one) for one in sums) + " |")
    return "\n".join(lines) + "\n"


def show(name, table):
    """Sentences in which the tags differ."""
    for _, rows in table.groupby("sentence_id", sort=False):
        wrong = rows[rows["annotation"] != rows["prediction"]]
        if len(wrong):
            text = " ".join(rows["token"])
            marks = [f"{row.token}:{row.annotation}/{row.prediction}" for row in wrong.itertuples()]
            print(f"{name}\t{text}\t{' '.join(marks)}")


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pipeline = blank()
    dataset = sentences(count, seed, pipeline)
    engine = BlankEngine(pipeline)
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine)
    with contextlib.redirect_stdout(io.StringIO()):
        presidio = PresidioAnalyzerWrapper(analyzer, entities_to_keep=list(KINDS))
    results = [(model.name, *scored(model, dataset)) for model in (presidio, Watertight(program))]
    if os.environ.get("SHOW"):
        for name, _, table, _ in results:
            show(name, table)
        return
    print(page([result for _, result, _, _ in results], dataset, seed))


if __name__ == "__main__":
    main()
