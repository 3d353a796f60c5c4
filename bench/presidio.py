"""Runs presidio-analyzer over the lines of a file: `presidio.py TEXT FINDINGS`.

Its default recognisers for English, on a blank spaCy pipeline: the language model that they use by default
(en_core_web_lg) is in no package registry. So persons and places, which come from the model alone, are not found.

Writes one JSON array a line, with [entity, first byte, byte after the last, score], and prints what the loop alone took.
"""

import json
import sys
import time

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine


class Blank(SpacyNlpEngine):
    def load(self):
        self.nlp = {"en": spacy.blank("en")}


def main(text, findings):
    # The list of suffixes that lies in the package: it would be fetched from the network at the first address.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    analyzer = AnalyzerEngine(nlp_engine=Blank())
    with open(text, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    analyzer.analyze("ready", "en")
    wall, cpu = time.perf_counter(), time.process_time()
    found = [analyzer.analyze(line, "en") for line in lines]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with open(findings, "w", encoding="utf-8") as file:
        for line, results in zip(lines, found):

            def byte(place):
                return len(line[:place].encode())

            row = [[one.entity_type, byte(one.start), byte(one.end), one.score] for one in results]
            file.write(json.dumps(row) + "\n")
    print(json.dumps({"wall": wall, "cpu": cpu}))


main(*sys.argv[1:])
