//! The indicators the field names, line by line, and what this catalogue has for each.

/// What there is for an indicator the field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// These built-in indicators. `{leader}` stands for the code of the leaders' rank.
    BuiltIn(&'static [&'static str]),
    /// A definition of the company's own, because it has a parameter the catalogue cannot know.
    Own(&'static str),
    /// It is no indicator here, or cannot be: why.
    Elsewhere(&'static str),
}

/// An indicator the field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its number in the list of named indicators, from 1.
    pub line: u8,
    /// How it is called there.
    pub name: &'static str,
    /// What there is for it.
    pub coverage: Coverage,
}

const fn built_in(line: u8, name: &'static str, codes: &'static [&'static str]) -> Named {
    Named { line, name, coverage: Coverage::BuiltIn(codes) }
}

const fn own(line: u8, name: &'static str, how: &'static str) -> Named {
    Named { line, name, coverage: Coverage::Own(how) }
}

const fn elsewhere(line: u8, name: &'static str, why: &'static str) -> Named {
    Named { line, name, coverage: Coverage::Elsewhere(why) }
}

const BY_CATEGORY: &str = "`where`: `order.category == '...'`, with the category that tells these orders";
const BY_COUNTRY: &str = "`filter`: `country == '...'`";
const OF_BONUS: &str = "part of a bonus: its lines and conservation sheet say it";
const CARRIED: &str = "balance of the binary bonus: handed from cycle to cycle with the payouts";
const OF_LEDGER: &str = "a balance of the ledger, not of the cycle";
const NO_DRAFTS: &str = "a run sees commissionable orders only; drafts are live indicators of orders";

/// All of them, by line.
pub const NAMED: [Named; 144] = [
    built_in(1, "PVQ", &["PVQ"]),
    built_in(2, "PVC", &["PVC"]),
    built_in(3, "PVQ_CUM", &["PVQ_CUM"]),
    built_in(4, "PVC_CUM", &["PVC_CUM"]),
    built_in(5, "PVQ_PREV", &["PVQ_PREV"]),
    built_in(6, "PVQ_R3", &["PVQ_R3"]),
    built_in(7, "PVQ_YTD", &["PVQ_YTD"]),
    own(8, "PVQ_AUTO", BY_CATEGORY),
    own(9, "PVQ_ONCE", BY_CATEGORY),
    built_in(10, "PVQ_FIRST", &["PVQ_FIRST"]),
    built_in(11, "PVQ_D30", &["PVQ_D30", "PVQ_D60", "PVQ_D90"]),
    built_in(12, "CVQ", &["CVQ"]),
    built_in(13, "PSVQ", &["PSVQ"]),
    built_in(14, "RTLVQ", &["RTLVQ"]),
    built_in(15, "PREFVQ", &["PREFVQ"]),
    built_in(16, "PNET", &["PNET"]),
    built_in(17, "PGROSS", &["PGROSS"]),
    elsewhere(18, "PDISC", "no fact says what discount an order had"),
    built_in(19, "PUNITS", &["PUNITS"]),
    elsewhere(20, "PSKU", "facts are orders, not their lines"),
    own(21, "PVQ_CLASS(c)", BY_CATEGORY),
    built_in(22, "PVQ_SHORT", &["PVQ_SHORT"]),
    built_in(23, "PVQ_EXC", &["PVQ_EXC"]),
    built_in(24, "GVQ", &["GVQ"]),
    built_in(25, "GVQ_H", &["GVQ_H"]),
    built_in(26, "GVC", &["GVC"]),
    built_in(27, "GVC_H", &["GVC_H"]),
    built_in(28, "GVQ_MIN(m)", &["GVQ_MIN"]),
    built_in(29, "GVQ_NOGEN", &["TVQ"]),
    own(30, "GVQ_CAP(x)", "`options.cap_per_leg` with the amount that is x % of the requirement"),
    built_in(31, "GVQ_CUM", &["GVQ_CUM"]),
    built_in(32, "GVQ_NEW", &["GVQ_NEW"]),
    built_in(33, "GVQ_CUST", &["GVQ_CUST"]),
    built_in(34, "GVQ_EXT", &["GVQ_EXT"]),
    elsewhere(
        35,
        "GVQ_LOST",
        "compares the groups of two cycles person by person; `GVQ` and `GVQ_PREV` compare their volumes",
    ),
    built_in(36, "TVQ", &["TVQ"]),
    built_in(37, "TVQ_S", &["TVQ_S"]),
    built_in(38, "TVC", &["TVC"]),
    built_in(39, "TVC_S", &["TVC_S"]),
    built_in(40, "TVQ_CUM", &["TVQ_CUM"]),
    built_in(41, "TVQ_R3", &["TVQ_R3"]),
    built_in(42, "TVQ_DELTA", &["TVQ_DELTA"]),
    own(43, "TVQ_MKT(c)", BY_COUNTRY),
    built_in(44, "TVQ_ORD", &["TVQ"]),
    elsewhere(45, "TVQ_OPEN", NO_DRAFTS),
    built_in(46, "TVQ_CMP", &["TVQ"]),
    built_in(47, "COVQ", &["COVQ"]),
    own(48, "MKVQ(c)", BY_COUNTRY),
    built_in(49, "L1VQ", &["L1VQ"]),
    built_in(50, "L2VQ", &["L2VQ"]),
    built_in(51, "L3VQ", &["L3VQ"]),
    built_in(52, "LnVQ", &["L4VQ", "L5VQ", "L6VQ", "L7VQ", "L8VQ", "L9VQ", "L10VQ"]),
    built_in(53, "L1_nVQ", &["L1_2VQ", "L1_3VQ", "L1_5VQ", "L1_10VQ"]),
    own(54, "PL(n)VC", "`scope`: `{\"level\": n}`, with `qualified` in `options`"),
    built_in(55, "LMAX", &["LMAX"]),
    elsewhere(56, "LQUAL", OF_BONUS),
    elsewhere(57, "LUNP", OF_BONUS),
    built_in(58, "G1VQ", &["G1VQ"]),
    built_in(59, "G2VQ", &["G2VQ"]),
    built_in(60, "GgVQ", &["G3VQ", "G4VQ", "G5VQ", "G6VQ", "G7VQ", "G8VQ"]),
    built_in(61, "G1VC", &["G1VC", "G2VC", "G3VC"]),
    built_in(62, "GGRP(g)", &["GGRP1", "GGRP2", "GGRP3"]),
    built_in(63, "GEMPTY", &["GEMPTY"]),
    built_in(64, "GMAX", &["GMAX"]),
    elsewhere(65, "GQUAL", OF_BONUS),
    built_in(66, "BKVQ", &["G1VQ"]),
    elsewhere(67, "BKDIF", OF_BONUS),
    built_in(68, "LEGS", &["LEGS"]),
    built_in(69, "LEGVQ(c)", &["TVQ_S"]),
    built_in(70, "LEG1VQ", &["LEG1VQ"]),
    built_in(71, "LEG2VQ", &["LEG2VQ"]),
    built_in(72, "LEGkVQ", &["LEG3VQ", "LEG4VQ", "LEG5VQ", "LEG6VQ"]),
    built_in(73, "NONMAX", &["NONMAX"]),
    built_in(74, "NON2MAX", &["NON2MAX"]),
    own(75, "LEGCAPVQ", "`options.cap_per_leg` with the amount"),
    built_in(76, "LEGBAL", &["LEGBAL"]),
    built_in(77, "LEGS_GE(v)", &["LEGS_GE"]),
    built_in(78, "LEFTVQ", &["LEFTVQ"]),
    built_in(79, "RIGHTVQ", &["RIGHTVQ"]),
    elsewhere(80, "WEAKVQ", CARRIED),
    elsewhere(81, "STRONGVQ", CARRIED),
    elsewhere(82, "PAIRS", OF_BONUS),
    elsewhere(83, "PAIRVQ", OF_BONUS),
    elsewhere(84, "MXFILL", "there is no matrix of fixed width"),
    elsewhere(85, "MXOPEN", "there is no matrix of fixed width"),
    built_in(86, "ACT", &["ACT"]),
    built_in(87, "ACT_STREAK", &["ACT_STREAK"]),
    built_in(88, "INACT_N", &["INACT_N"]),
    built_in(89, "FL", &["ENR_N", "FL"]),
    built_in(90, "FL_ACT", &["ENR_ACT", "FL_ACT"]),
    built_in(91, "FL_INACT", &["ENR_INACT", "FL_INACT"]),
    built_in(92, "FL_NEW", &["ENR_NEW", "FL_NEW"]),
    built_in(93, "TEAM_N", &["TEAM_N"]),
    built_in(94, "TEAM_ACT", &["TEAM_ACT"]),
    built_in(95, "TEAM_INACT", &["TEAM_INACT"]),
    built_in(96, "TEAM_NEW", &["TEAM_NEW"]),
    built_in(97, "TEAM_TERM", &["TEAM_TERM"]),
    built_in(98, "TEAM_ORD", &["TEAM_ORD"]),
    built_in(99, "TEAM_NOORD", &["TEAM_NOORD"]),
    elsewhere(100, "TEAM_DRAFT", NO_DRAFTS),
    built_in(101, "CUST_N", &["CUST_N"]),
    built_in(102, "CUST_ACT", &["CUST_ORD"]),
    built_in(103, "CUST_NEW", &["CUST_FIRST"]),
    built_in(104, "CUST_REP", &["CUST_REP"]),
    built_in(105, "LEGS_ACT", &["LEGS_ACT"]),
    built_in(106, "LEGS_ORD", &["LEGS_ORD"]),
    built_in(107, "LEGS_NEW", &["LEGS_NEW"]),
    built_in(108, "DEPTH", &["DEPTH"]),
    built_in(109, "WIDTH_MAX", &["WIDTH_MAX"]),
    built_in(110, "ORD_N", &["PORD"]),
    built_in(111, "AVG_ORD", &["AVG_ORD"]),
    built_in(112, "REACT", &["REACT"]),
    built_in(113, "REF_STREAK", &["REF_STREAK"]),
    built_in(114, "RK_PAID", &["RK_PAID"]),
    built_in(115, "RK_PREV", &["RK_PREV"]),
    built_in(116, "RK_HIGH", &["RK_HIGH"]),
    built_in(117, "RK_TITLE", &["RK_HIGH"]),
    elsewhere(118, "RK_GRACE", "stands beside the ranks: `grace_used`, out of the plan's `grace.cycles`"),
    elsewhere(
        119,
        "RK_CYC",
        "needs the ranks of all cycles before; for one rank: a formula that looks back at itself, as `ACT_STREAK` does",
    ),
    built_in(120, "RK_UP", &["RK_UP"]),
    built_in(121, "FLRK(r)", &["FLRK_{leader}"]),
    built_in(122, "LEGRK(r)", &["LEGRK_{leader}"]),
    built_in(123, "TMRK(r)", &["TMRK_{leader}"]),
    built_in(124, "GENRK(g,r)", &["GGRP1", "GGRP2", "GGRP3"]),
    elsewhere(125, "NEARRK(r,x)", "a question about conditions: `ceiba explain --rank` answers it"),
    elsewhere(126, "UPRK(r)", "a person, not a number"),
    built_in(127, "BLK", &["GGRP1"]),
    built_in(128, "RMAVQ", &["RMAVQ"]),
    built_in(129, "RMAVC", &["RMAVC"]),
    elsewhere(130, "RMAVQ_O", "stored results never change: a return counts in the cycle it is settled in"),
    built_in(131, "GRMAVQ", &["GRMAVQ"]),
    built_in(132, "TRMAVQ", &["TRMAVQ"]),
    built_in(133, "RMA_N", &["RMA_N"]),
    built_in(134, "RMA_RATE", &["RMA_RATE"]),
    elsewhere(135, "CLAW", "the payout lines of kind `undo`"),
    elsewhere(136, "CLAW_OPEN", OF_LEDGER),
    elsewhere(137, "RKLOSS", "a simulation without the returned order says it"),
    elsewhere(138, "CARRY_IN(side)", CARRIED),
    elsewhere(139, "CARRY_OUT(side)", CARRIED),
    elsewhere(140, "FLUSHED(side)", CARRIED),
    elsewhere(141, "BAL_NEXT", OF_LEDGER),
    elsewhere(142, "MINPAY_HELD", OF_LEDGER),
    elsewhere(143, "PTS_AVAIL / PTS_PEND / PTS_EXP(d)", OF_LEDGER),
    elsewhere(
        144,
        "LIFE_EARN, BON(b), BON_CAP(b)",
        "the settlements: amounts by bonus, caps as lines of their own",
    ),
];
