//! Finds all literals of all kinds in one pass.
//!
//! Every other position of a text is looked at: the three bytes there, hashed, are one bit of a table that fits into the
//! second-level cache. Each literal has put two of its trigrams into that table, one from an even and one from an odd
//! offset, so that one of them falls on a position that is looked at, wherever the literal begins. Which ones is free to
//! choose: those that are rare in texts. Where the bit is set, the literals behind it are compared.
//!
//! Measured by CPU time on one thread of a machine that was busy otherwise (AMD EPYC, two threads, load 17), 800 literals:
//! 1.25 GB/s over Rust sources. The automaton of `aho-corasick` made 0.56 (0.23 as an NFA), its Teddy in groups of sixty
//! literals 0.32. What decides is how rare the trigrams are: chosen by the frequency of letters alone, every sixth block
//! of eight bytes was looked at again and it made 0.85; chosen by [`COMMON`], every tenth.

/// Shortest literal. After one of three bytes a letter, a digit or one of `+/_-` must follow: it is not found elsewhere.
pub(super) const SHORTEST: usize = 3;

/// Bits of a trigram's hash: 2^20 bits are 128 KiB. With 2^18 the hash made as many false alarms as the text.
const BITS: u32 = 20;
const WORDS: usize = 1 << (BITS - 6);

/// A literal.
#[derive(Debug)]
struct Literal {
    bytes: Vec<u8>,
    ignore_case: bool,
}

/// Where a trigram stands in a literal.
#[derive(Clone, Copy, Debug)]
struct Entry {
    slot: u32,
    literal: u16,
    offset: u8,
}

/// The literals, ready to be searched for.
#[derive(Debug)]
pub(super) struct Anchors {
    literals: Vec<Literal>,
    table: Box<[u64; WORDS]>,
    /// Sorted by slot.
    entries: Vec<Entry>,
    /// Where in `entries` the slots with these upper bits begin.
    buckets: Vec<u32>,
}

impl Anchors {
    /// Literals of at least [`SHORTEST`] bytes, and whether their case does not matter. What is shorter is never found.
    pub(super) fn new(literals: impl IntoIterator<Item = (Vec<u8>, bool)>) -> Self {
        let literals: Vec<Literal> =
            literals.into_iter().map(|(bytes, ignore_case)| Literal { bytes, ignore_case }).collect();
        let (table, entries, buckets) = (Box::new([0; WORDS]), Vec::new(), Vec::new());
        let mut anchors = Self { literals: Vec::new(), table, entries, buckets };
        for (number, literal) in literals.iter().enumerate() {
            for parity in 0..2 {
                anchors.enter(u16::try_from(number).unwrap_or(u16::MAX), literal, parity);
            }
        }
        anchors.entries.sort_by_key(|entry| (entry.slot, entry.literal, entry.offset));
        let before = |word| anchors.entries.partition_point(|entry| (entry.slot as usize) < word << 6);
        anchors.buckets = (0..=WORDS).map(|word| u32::try_from(before(word)).unwrap_or(u32::MAX)).collect();
        anchors.literals = literals;
        anchors
    }

    /// Enters the rarest trigram of a literal that stands at an offset of this parity.
    fn enter(&mut self, number: u16, literal: &Literal, parity: usize) {
        let trigrams = literal.bytes.windows(3).enumerate();
        let best =
            trigrams.filter(|(offset, _)| offset % 2 == parity).min_by_key(|(_, three)| commonness(three));
        let (offset, choices) = match best {
            Some((offset, three)) => {
                (offset, [three.first(), three.get(1), three.get(2)].map(|byte| byte.copied()))
            }
            // A literal of three bytes has no second trigram: its last two and whatever follows.
            None => (1, [literal.bytes.get(1).copied(), literal.bytes.get(2).copied(), None]),
        };
        let [first, second, third] = choices.map(|byte| spellings(byte, literal.ignore_case));
        for a in first {
            for b in second.clone() {
                for c in third.clone() {
                    let slot = slot(u32::from_le_bytes([a, b, c, 0]));
                    if let Some(word) = self.table.get_mut(slot as usize >> 6) {
                        *word |= 1 << (slot & 63);
                    }
                    let offset = u8::try_from(offset).unwrap_or(u8::MAX);
                    self.entries.push(Entry { slot, literal: number, offset });
                }
            }
        }
    }

    /// Tells every place where a literal begins: the literal's number and the place. Roughly in order of places.
    pub(super) fn scan(&self, text: &[u8], hit: &mut dyn FnMut(usize, usize)) {
        let (blocks, _) = text.as_chunks::<8>();
        let mut last = 0;
        for (number, pair) in blocks.windows(2).enumerate() {
            let [block, next] = pair else { break };
            let (now, next) = (u64::from_le_bytes(*block), next.first().copied().unwrap_or_default());
            let four = [now, now >> 16, now >> 32, (now >> 48) | (u64::from(next) << 16)];
            if four.iter().fold(0, |bits, bytes| bits | self.bit(*bytes)) != 0 {
                self.look(text, number * 8, &four, hit);
            }
            last = number * 8 + 8;
        }
        for at in (last..text.len()).step_by(2) {
            let byte = |offset: usize| text.get(at + offset).copied().unwrap_or_default();
            self.look(text, at, &[u64::from_le_bytes([byte(0), byte(1), byte(2), 0, 0, 0, 0, 0])], hit);
        }
    }

    #[inline(always)]
    fn bit(&self, bytes: u64) -> u64 {
        let slot = slot(bytes as u32);
        self.table.get(slot as usize >> 6).map_or(0, |word| (word >> (slot & 63)) & 1)
    }

    /// Compares the literals behind each of these trigrams, which stand two bytes apart from `at` on.
    #[cold]
    fn look(&self, text: &[u8], at: usize, trigrams: &[u64], hit: &mut dyn FnMut(usize, usize)) {
        for (number, bytes) in trigrams.iter().enumerate() {
            if self.bit(*bytes) == 0 {
                continue;
            }
            for entry in self.behind(slot(*bytes as u32)) {
                let Some(start) = (at + number * 2).checked_sub(usize::from(entry.offset)) else { continue };
                if self.stands(entry.literal, text, start) {
                    hit(usize::from(entry.literal), start);
                }
            }
        }
    }

    /// The entries of a slot.
    fn behind(&self, slot: u32) -> impl Iterator<Item = &Entry> {
        let bucket = |word: usize| self.buckets.get(word).map_or(0, |begin| *begin as usize);
        let word = slot as usize >> 6;
        let entries = self.entries.get(bucket(word)..bucket(word + 1)).unwrap_or_default();
        entries.iter().filter(move |entry| entry.slot == slot)
    }

    fn stands(&self, literal: u16, text: &[u8], start: usize) -> bool {
        let Some(literal) = self.literals.get(usize::from(literal)) else { return false };
        match text.get(start..start + literal.bytes.len()) {
            Some(there) if literal.ignore_case => there.eq_ignore_ascii_case(&literal.bytes),
            Some(there) => there == literal.bytes,
            None => false,
        }
    }
}

/// The hash of the three lower bytes. The multiplier's last byte is zero, so that the fourth byte does not matter.
#[inline(always)]
fn slot(bytes: u32) -> u32 {
    bytes.wrapping_mul(0x9e37_7900) >> (32 - BITS)
}

/// How a byte may be spelled; when there is none, what secrets are made of.
fn spellings(byte: Option<u8>, ignore_case: bool) -> Vec<u8> {
    match byte {
        Some(byte) if ignore_case && byte.is_ascii_alphabetic() => {
            vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
        }
        Some(byte) => vec![byte],
        None => (0..=u8::MAX).filter(|byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte)).collect(),
    }
}

/// How common three bytes are in source text and data, whatever their case; higher is more common.
fn commonness(three: &[u8]) -> usize {
    let lower = three.to_ascii_lowercase();
    let known = COMMON.as_bytes().chunks(3).position(|common| common == lower);
    let letters = lower.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let blank = lower.iter().any(u8::is_ascii_whitespace)
        || lower.windows(2).all(|two| matches!(two, [a, b] if a == b));
    if blank { 2 * COMMON.len() } else { known.map_or(letters, |place| COMMON.len() - place) }
}

/// The trigrams of letters and `_` that are most common in source text, manifests and documentation, most common first:
/// counted over the sources of crates, the Python library and the JSON, XML and HTML of a Debian system.
const COMMON: &str = concat!(
    "iontheenttioingconselteramecomateelfonsforatiodenamstrandmenrescodstanstturallpubassdatithsertyp",
    "defintestypereaectlintesletindproverendextonederparerritetrivalthiargretersblegetmateadurnhisnte",
    "orttinessilectisetultineommtatetulatimeangtimratplepreuseerimplnottedfilrroontpattteablertlashtt",
    "ttpcheptiorerinwitrorclaperhanndeackenc_coaliaddormtratorrefmmeataspaporuncsioereizeicatpsinswin",
    "lseettisttruageareimpmutcalureathdepchadocalu_inivelueeatcortenlenliclestemhertaroptpannonrecgit",
    "ntrromiesustssenctounullevetokncethadesmodpensysliboutlocntsfrosteopeomprmaasealset_catatuokiini",
    "renattrepdinrsiemearseconalarthatricitiworritnumthulantextchfunnitrseararaninkputtabamphubdowele",
    "efantapacntisinaultryndofaulonactkiort_colfinordundaceockhrecesumeillialsizregngeovergeatcropner",
    "litainunithodenignmetmalmesxterachas_stsupvarapilowappscrqueerallofalicetrebinequnewowsredmapmer",
    "ancdecuntesesedexaiso_readeexpcrafeariaourernsecminpecobjkeytalideharjecvenferxmlongncogenflaens",
    "eprystailckexamrtirueariireighfixleacapescdislisorkcanlemer_dirkeronaantsigrusreqesuildticeficte",
    "uesripitsposwarwhemaregeinpwri_dededtacelscrisulmanina_tyghtndininbutrighenaryuteearttr_seemarel",
    "smainccloramnpurouplafieytessistoashbytraposenedbjeinfermtanuctraistdifiheacurastspeachnseiseome",
    "dlegraave_enrieoinreebitcrendlt_ecouodupulmpoexc_paownoffeptepeiptethlidgertivpriuleuppenardeato",
    "shoberkinetaanycenlerso_stihounfoondcfgsenansemobasrucrawplisesibcmitppeorihesrunhemnette_st_rem",
    "nd_maxrotmbe_lidulws_ervonfeciocaeasdialogbufquiffeeamiffuilhtmlizffiothosttmlschle_ed_itausiddr",
    "taiitynesenetomngscareldetecepl_tsonayscums_scasollielbuinfindaickginctooolautsocarrdexbugookwhi",
    "ppoarchor_prledn_uengdgegessubcopmma_eqardlle_looryrrealpictrgsecaarkniclecmaitrorowkl_sklroczon",
    "_maocunt_bacalercet_cunsrivnnedreorsotoetsgext_ssompic_tkkn_moneertknimallyempeedxcensicroe_shav",
    "uffakexslesifichinon_chistsmemfigarnphaonlanarteeckyoudicsoloc_ribwidasi_chwrasltnchsheutipinng_",
    "larboohecthrhiceti_nafsesoutopotepitutoebuopysynianfmtigiddezerlphltinlyumb_dinsoaccwilimiinuero",
    "t_ollidebciflefegicludevedissaffstiarchuirsagtil_syis_eryissndsloosharalen_nodjunth_divin_draoce",
    "lagsorbloupl_biesphilolesitodintosisngtrtseentleenoditmoroulcceto_peetlihodurcvecmprlosnulit_eft",
    "okeafeuldicosafbraerdellncigthelaorgha_mildelmoveli_foushcieupekennowron_siisiaissqlrraibuefen_t",
    "ctlabiloamulvelowerolonjrve_fitegdayncllustwopastupnjunatmptmacse_amirevseeludocsichmpapesck_irs",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn found(literals: &[(&str, bool)], text: &str) -> Vec<(usize, usize)> {
        let anchors = Anchors::new(literals.iter().map(|(text, case)| (text.as_bytes().to_vec(), *case)));
        let mut hits = Vec::new();
        anchors.scan(text.as_bytes(), &mut |literal, at| hits.push((literal, at)));
        hits.sort_unstable();
        hits
    }

    #[test]
    fn a_literal_is_found_at_every_offset_and_once() {
        for literal in ["sk-", "AKIA", "xoxb-", "password"] {
            for before in 0..40 {
                for after in 1..20 {
                    let text = format!(
                        "{}{literal}{}",
                        "·".repeat(before / 2) + &"x".repeat(before % 2),
                        "y".repeat(after)
                    );
                    let at = text.find(literal).unwrap();
                    assert_eq!(found(&[(literal, false)], &text), [(0, at)], "{text}");
                }
            }
        }
    }

    #[test]
    fn case_matters_unless_it_is_said_not_to() {
        assert_eq!(found(&[("Secret", false)], "a SECRET, a secret, a Secret"), [(0, 22)]);
        assert_eq!(found(&[("Secret", true)], "a SECRET, a sEcreT, a Secret"), [(0, 2), (0, 12), (0, 22)]);
    }

    proptest::proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(text in "[ab-]{0,60}", literals in proptest::collection::vec("[ab-]{4,6}", 1..5)) {
            let pairs: Vec<(&str, bool)> = literals.iter().map(|literal| (literal.as_str(), false)).collect();
            let mut expected = Vec::new();
            for (number, literal) in literals.iter().enumerate() {
                expected.extend((0..text.len()).filter(|at| text.as_bytes()[*at..].starts_with(literal.as_bytes())).map(|at| (number, at)));
            }
            proptest::prop_assert_eq!(found(&pairs, &text), expected);
        }
    }
}
