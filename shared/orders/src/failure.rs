//! Refusals of the area.

use foundation::{
    id::{OrderId, ProductId},
    money::Currency,
    problem::{FieldError, Kind, Problem},
};

use jiff::Timestamp;

use crate::order::State;

/// Why something about products or orders is refused.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// An order without lines.
    #[error("an order needs at least one line")]
    Empty,
    /// Too many lines.
    #[error("an order has at most {most} lines; found {found}", most = crate::pricing::LINES_MAX)]
    TooManyLines {
        /// How many there were.
        found: usize,
    },
    /// A product that the catalogue does not have.
    #[error("there is no product {product}")]
    UnknownProduct {
        /// The id.
        product: ProductId,
        /// Position of the line.
        line: usize,
    },
    /// A product that is not sold at present.
    #[error("product {product} is not sold at present")]
    InactiveProduct {
        /// The id.
        product: ProductId,
    },
    /// A product on two lines.
    #[error("product {product} stands on two lines")]
    RepeatedProduct {
        /// The id.
        product: ProductId,
        /// Position of the second line.
        line: usize,
    },
    /// A quantity outside of what one can order.
    #[error("a quantity is 1 to {most}; found {found}", most = crate::pricing::QUANTITY_MAX)]
    Quantity {
        /// What was asked for.
        found: u32,
        /// Position of the line.
        line: usize,
    },
    /// A product without a price in the order's currency.
    #[error("product {product} has no price in {currency}")]
    NoPrice {
        /// The id.
        product: ProductId,
        /// The currency.
        currency: Currency,
    },
    /// The amounts leave the range of exact decimals.
    #[error("the order's amounts are too large")]
    AmountsTooLarge,
    /// The buyer has left the network.
    #[error("the buyer has left the network")]
    BuyerTerminated,
    /// The order is not in a state for this.
    #[error("the order is {found}; {action} needs it to be {needed}")]
    WrongState {
        /// What was to be done.
        action: &'static str,
        /// What it needs.
        needed: &'static str,
        /// The present state.
        found: State,
    },
    /// The order was changed in between.
    #[error("the order was changed in between; read it again")]
    Stale,
    /// The catalogue changed after the order was priced.
    #[error("prices of {} changed after the order was priced; change its lines to price them again", shown(.products))]
    PricesChanged {
        /// The products.
        products: Vec<ProductId>,
    },
    /// Not enough is left.
    #[error("of product {product} there are {left} left")]
    OutOfStock {
        /// The id.
        product: ProductId,
        /// How many there are.
        left: String,
    },
    /// A payment that has not happened yet.
    #[error("a payment cannot lie in the future")]
    PaidInFuture,
    /// A moment that no cycle contains.
    #[error("no cycle contains {at}")]
    NoCycle {
        /// The moment.
        at: Timestamp,
    },
    /// A comment's length.
    #[error("a comment has 1 to {most} characters; found {found}", most = crate::order::COMMENT_LENGTH_MAX)]
    CommentLength {
        /// Characters found.
        found: usize,
    },
    /// Too many comments.
    #[error("an order has at most {} comments", crate::order::COMMENTS_MAX)]
    TooManyComments,
    /// A catalogue entry with wrong members.
    #[error("the product has {} wrong member(s)", .0.len())]
    Product(Vec<FieldError>),
    /// The product was changed in between.
    #[error("product {product} was changed in between; its version is not {stated}")]
    StaleProduct {
        /// The id.
        product: ProductId,
        /// The version the caller stated.
        stated: u64,
    },
    /// A load whose file was not uploaded.
    #[error("no file was uploaded for this load")]
    NoFile,
    /// A load's file over the limit.
    #[error("a file has at most {most} bytes; found {found}", most = crate::load::FILE_BYTES_MAX)]
    FileTooLarge {
        /// Its size in bytes.
        found: u64,
    },
    /// A return is not cancelled; what it took back is ordered again.
    #[error("order {order} is a return; a return is not cancelled")]
    IsReturn {
        /// The id.
        order: OrderId,
    },
}

fn shown(products: &[ProductId]) -> String {
    products.iter().map(ProductId::as_str).collect::<Vec<_>>().join(", ")
}

impl Problem for OrderError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooManyLines { .. }
            | Self::RepeatedProduct { .. }
            | Self::Quantity { .. }
            | Self::CommentLength { .. }
            | Self::Product(_) => Kind::Invalid,
            Self::WrongState { .. }
            | Self::Stale
            | Self::PricesChanged { .. }
            | Self::OutOfStock { .. }
            | Self::StaleProduct { .. } => Kind::Conflict,
            Self::FileTooLarge { .. } => Kind::TooLarge,
            Self::Empty
            | Self::UnknownProduct { .. }
            | Self::InactiveProduct { .. }
            | Self::NoPrice { .. }
            | Self::AmountsTooLarge
            | Self::BuyerTerminated
            | Self::PaidInFuture
            | Self::NoCycle { .. }
            | Self::TooManyComments
            | Self::NoFile
            | Self::IsReturn { .. } => Kind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "order.empty",
            Self::TooManyLines { .. } => "order.too-many-lines",
            Self::UnknownProduct { .. } => "order.unknown-product",
            Self::InactiveProduct { .. } => "order.inactive-product",
            Self::RepeatedProduct { .. } => "order.repeated-product",
            Self::Quantity { .. } => "order.quantity",
            Self::NoPrice { .. } => "order.no-price",
            Self::AmountsTooLarge => "order.amounts-too-large",
            Self::BuyerTerminated => "order.buyer-terminated",
            Self::WrongState { .. } => "order.wrong-state",
            Self::Stale => "order.stale",
            Self::PricesChanged { .. } => "order.prices-changed",
            Self::OutOfStock { .. } => "order.out-of-stock",
            Self::PaidInFuture => "order.paid-in-future",
            Self::NoCycle { .. } => "calendar.no-cycle",
            Self::CommentLength { .. } => "order.comment-length",
            Self::TooManyComments => "order.too-many-comments",
            Self::Product(_) => "product.malformed",
            Self::StaleProduct { .. } => "product.stale",
            Self::NoFile => "load.no-file",
            Self::FileTooLarge { .. } => "load.file-too-large",
            Self::IsReturn { .. } => "order.is-return",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let at = |line: &usize, member: &str| {
            vec![FieldError { pointer: format!("/lines/{line}/{member}"), detail: self.to_string() }]
        };
        match self {
            Self::UnknownProduct { line, .. } | Self::RepeatedProduct { line, .. } => at(line, "product"),
            Self::Quantity { line, .. } => at(line, "quantity"),
            Self::Product(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }
}
