//! What can be wrong with a model?

/// Why a model cannot be used. Matrices are named as in [`ModelSpec`](super::ModelSpec), columns by the indices after axis 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No modality or no factor.
    #[error(
        "model has {modalities} modalities and {factors} factors: give at least one A and one B"
    )]
    Empty {
        /// Arrays in A.
        modalities: usize,
        /// Arrays in B.
        factors: usize,
    },
    /// One list is longer or shorter than the model's.
    #[error("{list} has {got} arrays where the model needs {want}")]
    Count {
        /// Name of the list.
        list: &'static str,
        /// Its length.
        got: usize,
        /// The model's number of modalities or factors.
        want: usize,
    },
    /// An array of the wrong shape.
    #[error("{matrix} has shape {got:?} where the model needs {want}")]
    Shape {
        /// Name, as `A[0]`.
        matrix: String,
        /// Its shape.
        got: Vec<usize>,
        /// What was needed.
        want: String,
    },
    /// A negative, infinite or NaN entry where only finite values (or only nonnegative ones) make sense.
    #[error("{matrix} holds {value} at {index:?}: entries must be finite{}", if *.nonnegative { " and at least 0" } else { "" })]
    Value {
        /// Name, as `A[0]`.
        matrix: String,
        /// Full index of the entry.
        index: Vec<usize>,
        /// The entry.
        value: f64,
        /// Whether negative values are refused, too.
        nonnegative: bool,
    },
    /// A probability column that does not sum to 1.
    #[error("{matrix} sums to {sum} in column {column:?}: divide it by its sum (tolerance 1e-6)")]
    Sum {
        /// Name, as `B[1]`.
        matrix: String,
        /// Index of the column: every index but the first.
        column: Vec<usize>,
        /// Its sum.
        sum: f64,
    },
    /// A column of Dirichlet counts that cannot be normalised.
    #[error(
        "{matrix} has no counts in column {column:?}: learning divides by their sum, give at least one"
    )]
    NoCounts {
        /// Name, as `pA[0]`.
        matrix: String,
        /// Index of the column.
        column: Vec<usize>,
    },
    /// `policy_len` is 0: there is no policy.
    #[error("policy_len is 0: there is no policy to choose from, set it to 1 or more")]
    NoPolicies,
    /// More policies than [`MAX_POLICIES`](super::MAX_POLICIES).
    #[error(
        "{controls} joint actions over policy_len {policy_len} make more than 1000000 policies: shorten policy_len"
    )]
    TooManyPolicies {
        /// Product of the factors' controls.
        controls: usize,
        /// Planning steps.
        policy_len: usize,
    },
    /// The joint likelihood would pass [`MAX_JOINT`](super::MAX_JOINT) entries.
    #[error(
        "{outcomes} joint outcomes times {states} joint states is more than 2^27: split the model"
    )]
    TooLarge {
        /// Product of outcomes (saturating).
        outcomes: usize,
        /// Product of states (saturating).
        states: usize,
    },
    /// A setting outside its range.
    #[error("{name} is {value}: it must be {want}")]
    Setting {
        /// Field of [`Settings`](super::Settings).
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        want: &'static str,
    },
    /// `modalities_to_learn` or `factors_to_learn` names what the model has not.
    #[error("{name} names {index}, but the model has {count}")]
    NoSuch {
        /// Field of [`Settings`](super::Settings).
        name: &'static str,
        /// The entry.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Learning was asked for without counts.
    #[error("learning {array} needs Dirichlet counts: give {counts}")]
    MissingCounts {
        /// `A`, `B` or `D`.
        array: &'static str,
        /// `p_a`, `p_b` or `p_d`.
        counts: &'static str,
    },
}
