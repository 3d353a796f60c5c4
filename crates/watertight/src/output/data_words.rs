//! The words for what is in a store, in English and Simplified Chinese, side by side so that they stay together.
//!
//! Reasons, titles of kinds, and why something was not read come from the readers and detectors in English and are not
//! translated.

use model::{Choice, Confidence, DataRecord, DataType, Form, Range, Sampled};

use super::text::thousands;
use super::words::Language;

/// Every form, worst first.
pub(super) const FORMS: [Form; 8] = [
    Form::Clear,
    Form::HashedEnumerable,
    Form::Mixed,
    Form::Masked,
    Form::Hashed,
    Form::Tokenised,
    Form::Opaque,
    Form::Encrypted,
];

/// The word of JSON for a confidence.
pub(super) fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// The word of JSON for a choice.
pub(super) fn choice_word(choice: Choice) -> &'static str {
    match choice {
        Choice::Everything => "everything",
        Choice::Uniform => "uniform",
        Choice::PageClustered => "page_clustered",
        Choice::FirstRows => "first_rows",
    }
}

impl Language {
    /// A form, as a short phrase.
    pub(super) fn form(self, form: Form) -> &'static str {
        match form {
            Form::Clear => self.pick("clear", "明文"),
            Form::Masked => self.pick("masked", "已打码"),
            Form::HashedEnumerable => self.pick("guessable hash", "可试出的哈希"),
            Form::Hashed => self.pick("hashed", "已哈希"),
            Form::Tokenised => self.pick("tokenised", "已令牌化"),
            Form::Encrypted => self.pick("encrypted", "已加密"),
            Form::Opaque => self.pick("opaque", "不透明"),
            Form::Mixed => self.pick("mixed", "多种形式"),
        }
    }

    /// What a form means, in one clause.
    pub(super) fn form_meaning(self, form: Form) -> &'static str {
        match form {
            Form::Clear => self.pick(
                "the values stand there as they are, or in an encoding that everyone can undo",
                "原样存放，或采用人人都能解开的编码",
            ),
            Form::Masked => self.pick("a part of each value is blotted out", "每个值都遮去了一部分"),
            Form::HashedEnumerable => self.pick(
                "digests without a key of values so few that all of them can be tried: this protects nobody",
                "无密钥的摘要，而取值少到可以逐一试出：等于没有保护",
            ),
            Form::Hashed => self.pick(
                "digests; whether a key or salt is in them cannot be seen",
                "摘要；看不出是否加了密钥或盐",
            ),
            Form::Tokenised => {
                self.pick("replaced by other values of the same shape", "已替换为形状相同的其他值")
            }
            Form::Encrypted => self.pick("ciphertext that says so itself", "自带标识的密文"),
            Form::Opaque => self.pick(
                "ciphertext or a digest with a key: these look alike",
                "密文或带密钥的摘要：两者看不出区别",
            ),
            Form::Mixed => self.pick(
                "several forms side by side, as a migration leaves them",
                "多种形式并存，常见于未完成的迁移",
            ),
        }
    }

    /// How sure a verdict is, as a short phrase.
    pub(super) fn confidence(self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::Low => self.pick("low confidence", "可信度低"),
            Confidence::Medium => self.pick("medium confidence", "可信度中"),
            Confidence::High => self.pick("high confidence", "可信度高"),
        }
    }

    /// The sample that a statement rests on.
    pub(super) fn sampled(self, sampled: &Sampled) -> String {
        let (rows, worth) = (thousands(sampled.rows), thousands(sampled.effective));
        match sampled.choice {
            Choice::Everything => self.pick(format!("all {rows} rows read"), format!("已读全部 {rows} 行")),
            Choice::Uniform => {
                self.pick(format!("from {rows} rows chosen at random"), format!("随机抽取 {rows} 行"))
            }
            Choice::PageClustered => self.pick(
                format!("from {rows} rows of pages chosen at random, worth {worth} independent ones"),
                format!("按页随机抽取 {rows} 行，相当于独立的 {worth} 行"),
            ),
            Choice::FirstRows => self.pick(
                format!("from the first {rows} rows, which say nothing about the rest"),
                format!("仅看了最前 {rows} 行，不能代表其余"),
            ),
        }
    }

    /// A number between two bounds: `198,412 to 203,977`.
    pub(super) fn range(self, range: Range) -> String {
        let (lower, upper) = (thousands(range.lower), thousands(range.upper));
        if range.lower == range.upper {
            lower
        } else {
            self.pick(format!("{lower} to {upper}"), format!("{lower} 至 {upper}"))
        }
    }

    /// So many people: `198,412 to 203,977 people`.
    pub(super) fn people(self, range: Range) -> String {
        let unit = if range.upper == 1 { "person" } else { "people" };
        let number = self.range(range);
        self.pick(format!("{number} {unit}"), format!("{number} 人"))
    }

    /// So many records.
    pub(super) fn records(self, number: u64) -> String {
        self.amount(number, "record", "records", "条记录")
    }

    /// A number of things: `1 column`, `12 columns`, `12 列`.
    pub(super) fn amount(self, number: u64, one: &str, many: &str, chinese: &str) -> String {
        let written = thousands(number);
        let english = if number == 1 { one } else { many };
        self.pick(format!("{written} {english}"), format!("{written} {chinese}"))
    }

    /// A type of data record, as a short phrase.
    pub(super) fn data_type(self, data_type: DataType) -> &'static str {
        match data_type {
            DataType::PersonalData => self.pick("Personal data", "个人信息"),
            DataType::Secret => self.pick("Secret", "密钥"),
            DataType::Store => self.pick("Store", "存储"),
            DataType::Estate => self.pick("All stores", "全部存储"),
        }
    }

    /// What to do about a data record.
    pub(super) fn data_advice(self, record: &DataRecord) -> &'static str {
        self.data_advice_on(record.data_type, record.form)
    }

    /// What to do about a data record of this type and form.
    pub(super) fn data_advice_on(self, data_type: DataType, form: Option<Form>) -> &'static str {
        match (data_type, form) {
            (DataType::Secret, _) => self.pick(
                "Revoke it first, then remove it: what was in a history or a backup stays there.",
                "先吊销，再删除：历史和备份里的仍在那里。",
            ),
            (DataType::Store | DataType::Estate, _) => self.pick(
                "Have read what was not read: a missing answer is not an all-clear.",
                "补读未读的部分：没有结论不等于安全。",
            ),
            (DataType::PersonalData, Some(Form::HashedEnumerable)) => self.pick(
                "Use a keyed digest (HMAC) and keep its key elsewhere: all values of this kind can be tried.",
                "改用带密钥的摘要（HMAC），密钥另行存放：这类取值可以逐一试出。",
            ),
            (DataType::PersonalData, Some(Form::Mixed)) => self.pick(
                "Finish the migration: what still stands there in clear counts as clear.",
                "完成迁移：仍为明文的部分应按明文对待。",
            ),
            (DataType::PersonalData, None | Some(Form::Clear)) => self.pick(
                "Keep what is needed, mask or encrypt the rest, and let only those read it who must.",
                "只留必需的，其余打码或加密，并且只让必须读取的人读取。",
            ),
            (DataType::PersonalData, Some(_)) => self.pick(
                "Check that keys and mappings lie elsewhere, and who may use them.",
                "确认密钥与映射表另行存放，以及谁可以使用。",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_words_of_its_own_in_both_languages() {
        for language in [Language::En, Language::ZhCn] {
            for words in [Language::form, Language::form_meaning] {
                let mut all: Vec<&str> = FORMS.iter().map(|form| words(language, *form)).collect();
                all.sort_unstable();
                all.dedup();
                assert_eq!(all.len(), FORMS.len());
            }
        }
    }

    #[test]
    fn words_of_json_are_those_of_the_schema() {
        for confidence in [Confidence::Low, Confidence::Medium, Confidence::High] {
            assert_eq!(serde_json::to_value(confidence).unwrap(), confidence_word(confidence));
        }
        for choice in [Choice::Everything, Choice::Uniform, Choice::PageClustered, Choice::FirstRows] {
            assert_eq!(serde_json::to_value(choice).unwrap(), choice_word(choice));
        }
    }

    #[test]
    fn people_are_told_with_their_bounds() {
        let range = |lower, upper| Range { lower, upper };
        assert_eq!(Language::En.people(range(312_000, 318_400)), "312,000 to 318,400 people");
        assert_eq!(Language::En.people(range(1, 1)), "1 person");
        assert_eq!(Language::ZhCn.people(range(312_000, 318_400)), "312,000 至 318,400 人");
    }
}
