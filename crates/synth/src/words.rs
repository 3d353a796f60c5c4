//! What the made-up people are called and where they live. The lists are this generator's own; the examples of the
//! detectors must not hold them, so that a test of the detectors is no test of their memory.

/// Surnames, the frequent ones first.
pub(crate) const SURNAMES: &[&str] = &[
    "邹", "熊", "薛", "阎", "雷", "侯", "龙", "史", "陶", "黎", "贺", "顾", "毛", "郝", "龚", "邵", "万",
    "钱", "严", "覃", "武", "戴", "莫", "孔", "向", "汤", "温", "康", "施", "文", "牛", "樊", "葛", "邢",
    "安", "齐", "易", "乔", "伍", "庞", "颜", "倪", "庄", "聂", "章", "鲁", "岳", "翟", "殷", "詹", "申",
    "欧", "耿", "关", "兰", "焦", "俞", "左", "柳", "甘", "祝", "包", "宁", "尚", "符", "舒", "阮", "柯",
    "纪", "梅", "童", "凌", "毕", "单", "季", "裴", "霍", "涂", "成", "苗", "谷", "盛", "曲", "翁", "冉",
    "骆", "蓝", "路", "游", "辛", "靳", "管", "柴", "蒙", "鲍", "华", "喻", "祁", "欧阳", "司徒", "上官",
    "慕容", "诸葛", "令狐",
];

/// Characters of given names.
pub(crate) const GIVEN: &[&str] = &[
    "霁", "昭", "漪", "砚", "岑", "葳", "珩", "泠", "笙", "棠", "樾", "旻", "沅", "绾", "翊", "筠", "湉",
    "婵", "峤", "澍", "煦", "琬", "榆", "黛", "钧", "窈", "朔", "芷", "璟", "遥", "汐", "嵘", "葵", "栩",
    "炜", "筱", "醒", "渝", "穗", "朗", "蔚", "弦", "苓", "琮", "岚", "晗", "钰", "槿", "泓", "沛", "荻",
    "曦", "韶", "屿", "洵", "莞", "骞", "玥", "耘", "迢",
];

/// Beginnings of names in Latin letters.
pub(crate) const ONSETS: &[&str] = &[
    "bra", "che", "dro", "fel", "gwi", "hal", "jor", "kes", "lum", "mav", "nyr", "ost", "pel", "quo", "rud",
    "sab", "tov", "ulm", "vek", "wyn", "yar", "zel", "ark", "ibe", "emr", "osk", "tru", "sil", "cad", "vor",
    "nem", "hyl",
];

/// Endings of names in Latin letters.
pub(crate) const CODAS: &[&str] = &[
    "dan", "rik", "mira", "selle", "von", "thea", "lund", "ska", "bert", "nova", "wick", "dora", "mund",
    "tis", "ren", "qua", "bel", "gard", "ine", "sto", "vane", "low", "resh", "mond", "kary", "fen", "zora",
    "lith", "pas", "grim",
];

/// Districts of a city that is on no map.
pub(crate) const DISTRICTS: &[&str] = &[
    "霁州市拾翠区",
    "霁州市衔山区",
    "霁州市泊云区",
    "霁州市折桂区",
    "霁州市听雨区",
    "霁州市疏桐区",
    "霁州市垂虹区",
    "霁州市枕溪区",
];

/// First halves of street names.
pub(crate) const STREETS: &[&str] = &[
    "漱云",
    "栖霞岭",
    "问渔",
    "归雁",
    "踏莎",
    "浣纱井",
    "鸣蝉",
    "卧柳",
    "采薇",
    "寻鹿",
    "拂晓",
    "听松岩",
    "晚香",
    "临皋",
    "揽月",
    "青萍",
    "石榴湾",
    "白鹭汀",
    "半夏",
    "杜若",
    "落星",
    "吟风",
    "渡口",
    "旧砖窑",
];

/// Second halves of street names.
pub(crate) const WAYS: &[&str] = &["路", "街", "大道", "巷", "东路", "西街", "北路", "南街"];

/// What companies are called.
pub(crate) const TRADES: &[&str] =
    &["渔具", "蜡染", "盆景", "陶笛", "茶点", "风筝", "竹编", "砚台", "钟表修理", "乐谱", "灯笼", "拓片"];

/// What a report of a case says around its values. `{n}` is a name, `{m}` a mobile number, `{i}` a resident number,
/// `{a}` an address, `{c}` a case number; no white space stands around them, as in real reports.
pub(crate) const NARRATIVES: &[&str] = &[
    "报警人{n}称其停放在{a}楼下的自行车不见了，回电请拨{m}。",
    "{n}（公民身份号码{i}）到所反映邻里噪声，经调解双方和解，案号{c}已结。",
    "群众来电：\"有人在{a}门口捡到一只钱包\"，失主{n}，联系{m}领取。",
    "巡逻发现流动摊贩占道,口头劝离,未登记人员。编号{c}",
    "当事人{n}，证件{i}，手机{m}，住{a}，因遗失钥匙求助开锁。",
    "设备巡检正常，无异常记录。",
    "Caller {n} left the number {m}; call back about \"order {c}\", before noon.",
    "补录：上次登记的电话有误，改为{m}，其余不变。\n经办人已核对。",
];
