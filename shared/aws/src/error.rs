//! What can go wrong on the way to AWS, as far as a caller can react to it.

use std::error::Error;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use foundation::problem::{Kind, Problem};

use crate::item::{Item, ItemError};

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The condition of a write did not hold. Carries the item that stood there, where it was asked for.
    #[error("the condition of a write did not hold")]
    ConditionFailed(Option<Box<Item>>),
    /// A transaction was refused. One entry a write, in their order; `Some` where that write's condition did not hold, with the item found.
    #[error("a transaction was refused by its conditions")]
    Refused(Vec<Option<Box<Item>>>),
    /// Throttled, in conflict with another transaction, or out of reach, after the SDK's own retries.
    #[error("{service} is busy or out of reach ({code})")]
    Busy {
        /// The service.
        service: &'static str,
        /// Its error code.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else: a wrong request, a missing permission, a missing resource.
    #[error("{service} refused a request ({code})")]
    Failed {
        /// The service.
        service: &'static str,
        /// Its error code.
        code: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stored item is not what its reader expects.
    #[error(transparent)]
    Item(#[from] ItemError),
}

const BUSY_CODES: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
    "InternalServerError",
    "InternalError",
    "InternalFailure",
    "ServiceUnavailable",
    "SlowDown",
    "RequestTimeout",
    "TooManyRequestsException",
    "KmsThrottled",
    "RequestThrottled",
    "LimitExceededException",
];

impl AwsError {
    /// Sorts an SDK error. One without a code never reached the service.
    pub(crate) fn of<E>(service: &'static str, error: E) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let code = error.code().unwrap_or("unreachable").to_owned();
        let source = Box::new(error);
        if code == "unreachable" || BUSY_CODES.contains(&code.as_str()) {
            Self::Busy { service, code, source }
        } else {
            Self::Failed { service, code, source }
        }
    }

    /// The service's error code, where it gave one.
    pub fn service_code(&self) -> Option<&str> {
        match self {
            Self::Busy { code, .. } | Self::Failed { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether a condition did not hold, of a single write or of a transaction.
    pub fn is_condition(&self) -> bool {
        matches!(self, Self::ConditionFailed(_) | Self::Refused(_))
    }
}

impl Problem for AwsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy { .. } => Kind::Unavailable,
            Self::ConditionFailed(_) | Self::Refused(_) => Kind::Conflict,
            Self::Failed { .. } | Self::Item(_) => Kind::Internal,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "platform.busy",
            Self::ConditionFailed(_) | Self::Refused(_) => "platform.conflict",
            Self::Failed { .. } => "platform.failed",
            Self::Item(_) => "platform.item",
        }
    }
}
