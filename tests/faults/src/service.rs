//! The emulator's DynamoDB, S3, SQS and Lambda, as far as a sandbox needs them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testkit::{
    api::{Client, Reply},
    stack::Stack,
};

use crate::state::Rows;

/// Items a `BatchWriteItem` takes.
const BATCH: usize = 25;

#[derive(Clone, Debug)]
pub(crate) struct Service {
    client: Client,
    region: String,
}

impl Service {
    pub(crate) fn of(stack: &Stack) -> Result<Self> {
        let endpoint = stack.endpoint.as_deref().context("fault trials need an emulator")?;
        Ok(Self { client: Client::new(endpoint), region: stack.region.clone() })
    }

    fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let reply = self
            .signed("POST", "/", service)
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.0")
            .bytes(body.to_string().into_bytes())
            .send()?;
        reply.success().with_context(|| format!("{target} {body}"))
    }

    /// Emulators take any signature; the scope says which service is meant.
    fn signed(&self, method: &str, path: &str, service: &str) -> testkit::api::Request<'_> {
        let scope = format!("Credential=test/20260101/{}/{service}/aws4_request", self.region);
        let signature = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00");
        self.client.request(method, path).header("Authorization", &signature)
    }

    fn dynamo(&self, operation: &str, body: &Value) -> Result<Value> {
        self.call("dynamodb", &format!("DynamoDB_20120810.{operation}"), body)
    }

    /// An empty table of the shape of `original`.
    pub(crate) fn copy_table(&self, original: &str, copy: &str) -> Result<()> {
        let found = self.dynamo("DescribeTable", &json!({ "TableName": original }))?;
        let table = &found["Table"];
        let mut request = json!({
            "TableName": copy, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": table["KeySchema"], "AttributeDefinitions": table["AttributeDefinitions"],
        });
        let indexes = table["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
        let indexes: Vec<_> = indexes
            .map(|index| {
                json!({
                    "IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"],
                })
            })
            .collect();
        if !indexes.is_empty() {
            request["GlobalSecondaryIndexes"] = json!(indexes);
        }
        self.dynamo("CreateTable", &request).map(drop)
    }

    pub(crate) fn drop_table(&self, name: &str) -> Result<()> {
        self.dynamo("DeleteTable", &json!({ "TableName": name })).map(drop)
    }

    pub(crate) fn rows(&self, table: &str) -> Result<Rows> {
        let mut rows = Rows::new();
        let mut request = json!({ "TableName": table, "ConsistentRead": true });
        loop {
            let page = self.dynamo("Scan", &request)?;
            for item in page["Items"].as_array().into_iter().flatten() {
                let key = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
                rows.insert((key("pk"), key("sk")), item.clone());
            }
            match page.get("LastEvaluatedKey") {
                Some(key) if key.is_object() => request["ExclusiveStartKey"] = key.clone(),
                _ => return Ok(rows),
            }
        }
    }

    /// Lets the table hold `wanted` instead of `found`.
    pub(crate) fn set_rows(&self, table: &str, found: &Rows, wanted: &Rows) -> Result<()> {
        let gone = found
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .map(|(pk, sk)| json!({ "DeleteRequest": { "Key": { "pk": { "S": pk }, "sk": { "S": sk } } } }));
        let put = wanted
            .iter()
            .filter(|(key, item)| found.get(*key) != Some(item))
            .map(|(_, item)| json!({ "PutRequest": { "Item": item } }));
        let writes: Vec<_> = gone.chain(put).collect();
        for batch in writes.chunks(BATCH) {
            let answer = self.dynamo("BatchWriteItem", &json!({ "RequestItems": { table: batch } }))?;
            if answer["UnprocessedItems"].as_object().is_some_and(|left| !left.is_empty()) {
                bail!("the emulator left writes undone: {answer}");
            }
        }
        Ok(())
    }

    fn object(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Reply> {
        let mut request = self.signed(method, path, "s3");
        if let Some(bytes) = body {
            request = request.bytes(bytes);
        }
        let reply = request.send()?;
        if reply.is_success() { Ok(reply) } else { bail!("{reply}") }
    }

    pub(crate) fn make_bucket(&self, name: &str) -> Result<()> {
        self.object("PUT", &format!("/{name}"), Some(Vec::new())).map(drop)
    }

    pub(crate) fn drop_bucket(&self, name: &str) -> Result<()> {
        let objects = self.objects(name)?;
        self.set_objects(name, &objects, &BTreeMap::new())?;
        self.object("DELETE", &format!("/{name}"), None).map(drop)
    }

    pub(crate) fn objects(&self, bucket: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut objects = BTreeMap::new();
        let mut after = String::new();
        loop {
            let path = format!("/{bucket}?list-type=2&start-after={after}");
            let list = self.object("GET", &path, None)?;
            let list = String::from_utf8_lossy(&list.bytes).into_owned();
            for key in elements(&list, "Key") {
                let object = self.object("GET", &format!("/{bucket}/{key}"), None)?;
                after = key.replace('/', "%2F");
                objects.insert(key, object.bytes);
            }
            if elements(&list, "IsTruncated") != ["true"] {
                return Ok(objects);
            }
        }
    }

    /// Lets the bucket hold `wanted` instead of `found`.
    pub(crate) fn set_objects(
        &self,
        bucket: &str,
        found: &BTreeMap<String, Vec<u8>>,
        wanted: &BTreeMap<String, Vec<u8>>,
    ) -> Result<()> {
        for key in found.keys().filter(|key| !wanted.contains_key(*key)) {
            self.object("DELETE", &format!("/{bucket}/{key}"), None)?;
        }
        for (key, bytes) in wanted.iter().filter(|(key, bytes)| found.get(*key) != Some(bytes)) {
            self.object("PUT", &format!("/{bucket}/{key}"), Some(bytes.clone()))?;
        }
        Ok(())
    }

    pub(crate) fn make_queue(&self, name: &str) -> Result<String> {
        let made = self.call("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": name }))?;
        Ok(made["QueueUrl"].as_str().context("a queue without an address")?.to_owned())
    }

    pub(crate) fn drop_queue(&self, url: &str) -> Result<()> {
        self.call("sqs", "AmazonSQS.DeleteQueue", &json!({ "QueueUrl": url })).map(drop)
    }

    /// The environment a function was deployed with.
    pub(crate) fn environment(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let found: Value = self.signed("GET", &path, "lambda").send()?.success()?;
        Ok(serde_json::from_value(found["Environment"]["Variables"].clone()).unwrap_or_default())
    }
}

/// The texts of an XML document's elements of one name; our keys need no unescaping.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_are_read_out_of_a_listing() {
        let xml = "<R><IsTruncated>false</IsTruncated><C><Key>a/1</Key></C><C><Key>b</Key></C></R>";
        assert_eq!(super::elements(xml, "Key"), ["a/1", "b"]);
        assert_eq!(super::elements(xml, "IsTruncated"), ["false"]);
    }
}
