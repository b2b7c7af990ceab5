//! The only crate that names the AWS SDK: few boxed calls for items, objects, queues, machines and mail.
