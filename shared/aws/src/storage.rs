//! S3: whole objects, written once where it matters, and short-lived links to them.

use std::time::Duration;

use aws_sdk_s3::{error::ProvideErrorMetadata, presigning::PresigningConfig, primitives::ByteStream};
use bytes::Bytes;

use crate::{Boxed, Env, clients::Aws, error::AwsError};

const SERVICE: &str = "S3";

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    aws: Aws,
    name: String,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Bucket {
    /// The bucket whose name stands in the environment under `variable`.
    pub fn from_env(aws: &Aws, env: &mut Env, variable: &str) -> Self {
        Self { aws: aws.clone(), name: env.required(variable) }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object's bytes, if it is there.
    pub fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Option<Bytes>, AwsError>> {
        Box::pin(async move {
            match self.aws.s3().get_object().bucket(&self.name).key(key).send().await {
                Ok(object) => {
                    let body = object.body.collect().await;
                    let body = body.map_err(|error| AwsError::Busy {
                        service: SERVICE,
                        code: "BodyInterrupted".to_owned(),
                        source: Box::new(error),
                    })?;
                    Ok(Some(body.into_bytes()))
                }
                Err(error) if matches!(error.code(), Some("NoSuchKey" | "NotFound")) => Ok(None),
                Err(error) => Err(AwsError::of(SERVICE, error)),
            }
        })
    }

    /// The object's size in bytes, if it is there.
    pub fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Option<u64>, AwsError>> {
        Box::pin(async move {
            match self.aws.s3().head_object().bucket(&self.name).key(key).send().await {
                Ok(head) => {
                    Ok(Some(u64::try_from(head.content_length.unwrap_or_default()).unwrap_or_default()))
                }
                // A HEAD has no body, so the code may be missing; the variant tells.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(aws_sdk_s3::operation::head_object::HeadObjectError::is_not_found) =>
                {
                    Ok(None)
                }
                Err(error) => Err(AwsError::of(SERVICE, error)),
            }
        })
    }

    /// Writes the object, over what stood there.
    pub fn put<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        media_type: &'a str,
    ) -> Boxed<'a, Result<(), AwsError>> {
        Box::pin(async move {
            let request = self.aws.s3().put_object().bucket(&self.name).key(key).content_type(media_type);
            request
                .body(ByteStream::from(body))
                .send()
                .await
                .map(drop)
                .map_err(|error| AwsError::of(SERVICE, error))
        })
    }

    /// Writes the object unless there is one; says whether it was written.
    pub fn put_once<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        media_type: &'a str,
    ) -> Boxed<'a, Result<bool, AwsError>> {
        Box::pin(async move {
            let request = self.aws.s3().put_object().bucket(&self.name).key(key).content_type(media_type);
            match request.if_none_match("*").body(ByteStream::from(body)).send().await {
                Ok(_) => Ok(true),
                Err(error)
                    if matches!(error.code(), Some("PreconditionFailed" | "ConditionalRequestConflict")) =>
                {
                    Ok(false)
                }
                Err(error) => Err(AwsError::of(SERVICE, error)),
            }
        })
    }

    /// All objects whose keys start with `prefix`, in the order of their keys.
    pub fn list<'a>(&'a self, prefix: &'a str) -> Boxed<'a, Result<Vec<Object>, AwsError>> {
        Box::pin(async move {
            let mut objects = Vec::new();
            let mut token = None;
            loop {
                let request = self.aws.s3().list_objects_v2().bucket(&self.name).prefix(prefix);
                let page = request.set_continuation_token(token).send().await;
                let page = page.map_err(|error| AwsError::of(SERVICE, error))?;
                token = page.next_continuation_token;
                for object in page.contents.unwrap_or_default() {
                    let size = u64::try_from(object.size.unwrap_or_default()).unwrap_or_default();
                    objects.extend(object.key.map(|key| Object { key, size }));
                }
                if token.is_none() {
                    return Ok(objects);
                }
            }
        })
    }

    /// A link from which anyone can fetch the object for `lifetime`, under `file_name`.
    pub fn link_to_get<'a>(
        &'a self,
        key: &'a str,
        file_name: &'a str,
        lifetime: Duration,
    ) -> Boxed<'a, Result<String, AwsError>> {
        Box::pin(async move {
            let request = self.aws.s3().get_object().bucket(&self.name).key(key);
            let request =
                request.response_content_disposition(format!("attachment; filename=\"{file_name}\""));
            let signed = request.presigned(presigning(lifetime)?).await;
            signed.map(|link| link.uri().to_owned()).map_err(|error| AwsError::of(SERVICE, error))
        })
    }

    /// A link to which anyone can upload the object for `lifetime`.
    pub fn link_to_put<'a>(
        &'a self,
        key: &'a str,
        lifetime: Duration,
    ) -> Boxed<'a, Result<String, AwsError>> {
        Box::pin(async move {
            let request = self.aws.s3().put_object().bucket(&self.name).key(key);
            let signed = request.presigned(presigning(lifetime)?).await;
            signed.map(|link| link.uri().to_owned()).map_err(|error| AwsError::of(SERVICE, error))
        })
    }
}

fn presigning(lifetime: Duration) -> Result<PresigningConfig, AwsError> {
    PresigningConfig::expires_in(lifetime).map_err(|error| AwsError::Failed {
        service: SERVICE,
        code: "InvalidLifetime".to_owned(),
        source: Box::new(error),
    })
}
