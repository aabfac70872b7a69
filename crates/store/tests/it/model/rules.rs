//! Which rules are in force.

macro_rules! rules {
    ($($(#[doc = $words:literal])+ $rule:ident,)*) => {
        /// A rule of the machine that the search can leave out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Rule {
            $($(#[doc = $words])+ $rule,)*
        }

        impl Rule {
            pub(crate) const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The rule in words.
            pub(crate) fn words(self) -> &'static str {
                match self {
                    $(Self::$rule => concat!($($words),+).trim_ascii(),)*
                }
            }
        }
    };
}

rules! {
    /// What is accepted is durable before the answer leaves.
    AcceptIsDurable,
    /// A known key is a duplicate, unless its delivery is parked.
    KeyIsSaidOnce,
    /// A replay that comes when its mark is forgotten is stale.
    ReplayIsStale,
    /// What a higher (round, rank) has overtaken is superseded, new or parked.
    LateIsSuperseded,
    /// A terminal state is suppressed by nothing but its own key.
    TerminalIsSaid,
    /// A message's row is durable before its first PUT.
    RowBeforePut,
    /// One message is in hand in a room.
    OneInHand,
    /// Of a subject, a prefix by seq goes into a message.
    PrefixBySeq,
    /// A PUT is made by the pinned user and device only.
    IdentityIsPinned,
    /// Another identity is pinned only when no PUT can be under way.
    PinWaitsForQuiet,
    /// Another identity is pinned once it is quiet.
    PinMoves,
    /// A message under a live lease is left alone.
    LeaseIsKept,
    /// An open message is taken over once its lease is over.
    LeaseEnds,
    /// Before a PUT of a message that another process froze, the room is read.
    TailBeforeTakenOver,
    /// Before a PUT of a message that was frozen longer than an hour ago, the room is read.
    TailBeforeOld,
    /// Before a PUT of a message that was frozen under another login, the room is read.
    TailBeforeOtherLogin,
    /// That a message is absent is believed only when read as the user who sends it.
    AbsentAsSameUser,
    /// In the room only events of the message's sender count.
    OwnEventsOnly,
    /// Inconclusive, and the transaction id may be forgotten: uncertain, no PUT.
    NoPutOnceForgotten,
    /// Inconclusive, and the message was handed out under another login: uncertain, no PUT.
    NoPutAfterLogin,
    /// Nobody gives up while another's PUT may be under way. The program: a PUT ends within its lease.
    GiveUpWhenQuiet,
    /// A 429, 401 or 403 does not unfreeze.
    NotNowKeepsFrozen,
    /// A lost or senseless answer does not unfreeze.
    UnknownKeepsFrozen,
    /// Final only with an errcode: a proxy's HTML 400 is unknown.
    RefusalHasErrcode,
    /// Success only with an event id: a captive portal's 200 is unknown.
    SuccessHasEvent,
    /// Success is written down from any generation.
    SuccessAlways,
    /// A negative result is written down by the room's last taker only.
    NegativeNeedsGeneration,
    /// That a message relates to what is gone unfreezes it before its first PUT only.
    RelatedUntilPut,
    /// What a machine may not say is another's only once the room was read, and it is absent.
    HandOverAbsent,
    /// Nor while another's PUT may be under way.
    HandOverWhenQuiet,
    /// The members of a refused digest go alone.
    RefusedGoAlone,
    /// An uncertain message is moved by nobody but its event or an operator.
    UncertainStays,
    /// An operator retries only what is parked, uncertain, or was never in a message.
    OrdersHaveGuards,
    /// Of an uncertain digest that is forced, all members are owed again.
    WrittenOffWhole,
    /// What is not final is not purged.
    PurgeFinalOnly,
}

/// A set of rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules(u64);

impl Rules {
    pub(crate) const EVERY: Self = Self(u64::MAX);

    pub(crate) const fn without(rule: Rule) -> Self {
        Self(!(1 << rule as u64))
    }

    pub(crate) fn has(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u64 != 0
    }
}
