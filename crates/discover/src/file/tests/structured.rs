//! Text with and without structure, in all encodings.

use std::io::Write;

use super::super::Limits;
use super::{file, gzip, stream, stream_with, tar, zip};

#[test]
fn lines_of_json_are_rows_with_paths_as_columns() {
    let lines = b"{\"name\":\"Ann\",\"person\":{\"phones\":[{\"number\":\"1\"},{\"number\":\"2\"}]},\"age\":7,\"x\":null}\n\
        {\"age\":8,\"name\":\"B\\u00f6b \\\"x\\\"\",\"ok\":true}\n";
    let kept = stream("people.ndjson", lines);
    assert_eq!(
        kept.cells(),
        [
            "people.ndjson age 7",
            "people.ndjson name Ann",
            "people.ndjson person.phones[].number 1",
            "people.ndjson person.phones[].number 2",
            "people.ndjson age 8",
            "people.ndjson name Böb \"x\"",
            "people.ndjson ok true",
        ]
    );
    assert_eq!(kept.parts[0].3, Some(2));
    assert_eq!(kept.texts, [("people.ndjson".to_owned(), 1, String::from_utf8_lossy(lines).into_owned())]);
    assert!(kept.not_read.is_empty());
}

#[test]
fn keys_that_are_values_become_a_column_and_no_name() {
    let kept = stream(
        "map.ndjson",
        b"{\"15400000001\":{\"name\":\"Ann\"},\"a@example.com\":1}\n{\"15400000002\":2}\n",
    );
    assert_eq!(kept.parts[0].1, ["{key}", "*.name", "*"]);
}

#[test]
fn a_line_that_is_not_json_is_text_with_its_number() {
    let kept = stream_with(
        "a.ndjson",
        b"{\"a\":1}\nnot json, 15400000001\n{\"a\":2}\n",
        &Limits { text_too: 0, ..Limits::default() },
    );
    assert_eq!(kept.cells(), ["a.ndjson a 1", "a.ndjson a 2"]);
    assert_eq!(kept.texts, [("a.ndjson".to_owned(), 2, "not json, 15400000001".to_owned())]);
    assert!(kept.undecided().is_empty() && kept.told().contains("1 lines are not JSON, the first is line 2"));
}

#[test]
fn documents_of_json_have_parts_for_arrays_of_objects() {
    let document = br#"{
      "took": 3, "tags": ["x", "y"],
      "hits": { "total": 2, "hits": [ {"name": "Ann", "at": [1, 2]}, {"name": "Bob"} ] },
      "by_phone": { "15400000001": {"name": "Cid"} }
    }"#;
    let kept = file("dump.json", document);
    let mut cells = kept.cells();
    cells.sort();
    assert_eq!(
        cells,
        [
            "dump.json by_phone.{key} 15400000001",
            "dump.json hits.total 2",
            "dump.json tags[] x",
            "dump.json tags[] y",
            "dump.json took 3",
            "dump.json#by_phone.* name Cid",
            "dump.json#hits.hits at[] 1",
            "dump.json#hits.hits at[] 2",
            "dump.json#hits.hits name Ann",
            "dump.json#hits.hits name Bob",
        ]
    );
    assert!(kept.not_read.is_empty(), "{}", kept.told());
}

#[test]
fn a_large_array_of_json_is_read_in_a_window() {
    let mut document = b"[".to_vec();
    for number in 0..100_000 {
        write!(
            document,
            "{}{{\"id\": {number}, \"note\": \"a \\\"quoted\\\" ] word\"}}",
            if number > 0 { ",\n" } else { "" }
        )
        .unwrap();
    }
    document.push(b']');
    let kept = stream("big.json", &document);
    assert_eq!((kept.parts.len(), kept.parts[0].2.len(), kept.parts[0].3), (1, 100_000, Some(100_000)));
    assert_eq!(kept.parts[0].2[99_999]["note"], ["a \"quoted\" ] word"]);
}

#[test]
fn a_document_that_is_cut_short_is_told_and_its_rest_is_text() {
    let kept = stream_with(
        "a.json",
        b"[{\"a\":1},{\"a\":2},{\"a\":15400",
        &Limits { text_too: 0, ..Limits::default() },
    );
    assert_eq!(kept.cells(), ["a.json a 1", "a.json a 2"]);
    assert_eq!(kept.whole_text(), "{\"a\":15400");
    assert!(kept.told().contains("is not JSON from about byte 17 on"), "{}", kept.told());
}

#[test]
fn tables_of_text_are_read_in_all_their_dialects() {
    let cases: &[(&str, &[u8])] = &[
        ("a.csv", b"id,name,phone\n1,\"Ann, \"\"A\"\"\",154\n2,\"B\nob\",155\n"),
        ("a.tsv", b"id\tname\tphone\n1\tAnn, \"A\"\t154\n2\t\"B\nob\"\t155\n"),
        ("export.txt", b"id;name;phone\r\n1;\"Ann, \"\"A\"\"\";154\r\n2;\"B\nob\";155\r\n"),
        ("data", b"id|name|phone\n1|\"Ann, \"\"A\"\"\"|154\n2|\"B\nob\"|155"),
    ];
    for (name, bytes) in cases {
        let kept = stream(name, bytes);
        let cells: Vec<String> =
            kept.cells().iter().map(|line| line.replace(&format!("{name} "), "")).collect();
        assert_eq!(
            cells,
            ["id 1", "name Ann, \"A\"", "phone 154", "id 2", "name B\nob", "phone 155"],
            "{name}"
        );
        assert_eq!(kept.parts[0].3, Some(2));
    }
}

#[test]
fn a_table_without_a_header_has_numbered_columns() {
    let kept = stream("people.csv", "张三,15400000001\n李四,15400000002\n".as_bytes());
    assert_eq!(kept.parts[0].1, ["column 1", "column 2"]);
    assert_eq!(kept.parts[0].3, Some(2));
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_and_not_the_file() {
    let mut table = b"id,name\n1,Ann\n2,\"Bob\n".to_vec();
    for number in 3..2000 {
        writeln!(table, "{number},name{number}").unwrap();
    }
    let kept =
        stream_with("a.csv", &table, &Limits { longest_record: 4096, text_too: 0, ..Limits::default() });
    assert_eq!(kept.parts[0].2.len(), 1998, "{}", kept.told());
    assert!(kept.texts.iter().any(|(_, line, text)| *line == 3 && text == "2,\"Bob"));
    assert!(kept.told().contains("not closed, the first is line 3"));
}

#[test]
fn source_code_comes_as_whole_lines_with_their_numbers() {
    let mut code = String::new();
    for number in 1..=100_000 {
        code.push_str(&format!("let x{number} = call({number}, \"text\");\n"));
    }
    let kept = stream("a.rs", code.as_bytes());
    assert!(kept.parts.is_empty() && kept.texts.len() > 2);
    for (_, line, text) in &kept.texts {
        assert!(text.starts_with(&format!("let x{line} =")) && text.ends_with('\n'));
    }
    assert_eq!(kept.whole_text(), code);
}

#[test]
fn gbk_tables_are_decoded() {
    let text = "姓名,电话,住址\n".to_owned() + &"王小明,15400000001,北京市朝阳区\n".repeat(9);
    let kept = stream("people.csv", &encoding_rs::GBK.encode(&text).0);
    assert_eq!(kept.parts[0].1, ["姓名", "电话", "住址"]);
    assert_eq!(kept.cells()[0], "people.csv 住址 北京市朝阳区");
    assert!(kept.not_read.is_empty());
}

#[test]
fn archives_inside_archives_are_read() {
    let table: &[u8] = b"id,phone\n1,15400000001\n";
    let inner = tar(&[("in/b.csv", table)]);
    let packed = gzip(&inner);
    let outer = zip(&[("a.csv", table), ("deep/t.tar.gz", &packed), ("notes.txt", b"plain words")]);
    for kept in [file("all.zip", &outer), stream("all.zip", &outer)] {
        assert_eq!(
            kept.cells(),
            [
                "all.zip!a.csv id 1",
                "all.zip!a.csv phone 15400000001",
                "all.zip!deep/t.tar.gz!t.tar!in/b.csv id 1",
                "all.zip!deep/t.tar.gz!t.tar!in/b.csv phone 15400000001",
            ]
        );
        assert!(kept.texts.contains(&("all.zip!notes.txt".to_owned(), 1, "plain words".to_owned())));
        assert!(kept.not_read.is_empty(), "{}", kept.told());
    }
}

#[test]
fn every_packing_is_unpacked() {
    let table: &[u8] = b"id,phone\n1,15400000001\n";
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(table).unwrap();
    let cases = [
        ("a.csv.gz", gzip(table)),
        ("a.csv.bz2", bzip2.finish().unwrap()),
        ("a.csv.zst", zstd::encode_all(table, 1).unwrap()),
    ];
    for (name, bytes) in cases {
        let kept = stream(name, &bytes);
        assert_eq!(kept.cells(), [format!("{name}!a.csv id 1"), format!("{name}!a.csv phone 15400000001")]);
        assert!(kept.not_read.is_empty(), "{}", kept.told());
    }
}

#[test]
fn elements_of_xml_that_repeat_are_rows() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><export at=\"now\"><people>\
        <person id=\"1\"><name>Ann &amp; Co</name><phone>1</phone><phone>2</phone></person>\
        <person id=\"2\"><name><![CDATA[B<ob]]></name></person></people><total>2</total></export>";
    let kept = stream("a.xml", document.as_bytes());
    let mut cells = kept.cells();
    cells.sort();
    assert_eq!(
        cells,
        [
            "a.xml export.@at now",
            "a.xml export.total 2",
            "a.xml#export.people.person @id 1",
            "a.xml#export.people.person @id 2",
            "a.xml#export.people.person name Ann & Co",
            "a.xml#export.people.person name B<ob",
            "a.xml#export.people.person phone 1",
            "a.xml#export.people.person phone 2",
        ]
    );
    assert!(kept.not_read.is_empty(), "{}", kept.told());
}

#[test]
fn dumps_of_databases_have_their_tables() {
    let postgres = "-- PostgreSQL database dump\n\nCREATE TABLE public.p (\n id integer,\n note text DEFAULT ';'\n);\n\
        COPY public.p (id, note) FROM stdin;\n1\ta\\tb\n2\t\\N\n\\.\n\nINSERT INTO public.p VALUES (3, 'it''s');\n\
        CREATE USER x PASSWORD 'hunter two';\n";
    let kept = stream("dump.sql", postgres.as_bytes());
    assert_eq!(
        kept.cells(),
        [
            "dump.sql!public.p id 1",
            "dump.sql!public.p note a\tb",
            "dump.sql!public.p id 2",
            "dump.sql!public.p id 3",
            "dump.sql!public.p note it's"
        ]
    );
    assert_eq!(kept.parts[0].3, Some(3));
    let mysql = "-- MySQL dump 10.13\nCREATE TABLE `u` (\n  `id` int,\n  `n` varchar(9),\n  KEY `k` (`id`)\n) ENGINE=InnoDB;\n\
        LOCK TABLES `u` WRITE;\nINSERT INTO `u` VALUES (1,'a\\'b'),(2,NULL),\n(3,'c;(d');\nUNLOCK TABLES;\n";
    let kept = stream("dump.sql", mysql.as_bytes());
    assert_eq!(
        kept.cells(),
        ["dump.sql!u id 1", "dump.sql!u n a'b", "dump.sql!u id 2", "dump.sql!u id 3", "dump.sql!u n c;(d"]
    );
}
