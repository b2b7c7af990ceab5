"""Moves the messages of a dead-letter queue back to the queue they came from.

Usage: redrive.py QUEUE_URL OTHER_QUEUE_URL...  QUEUE_URL is either end; the other end is found among the others.
Each message is deleted only after it was sent, so an interruption may send one twice and loses none. Only the messages
that are there at the start are moved, so that one that fails again at once is not moved for ever.
"""

import json
import sys

import boto3

BATCH = 10


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})


def dead_letters_of(sqs, url):
    policy = attributes(sqs, url, "RedrivePolicy").get("RedrivePolicy")
    return json.loads(policy)["deadLetterTargetArn"] if policy else None


def ends(sqs, url, others):
    """Returns (source, dead-letter queue), both as URLs."""
    arns = {other: attributes(sqs, other, "QueueArn")["QueueArn"] for other in others}
    dead = dead_letters_of(sqs, url)
    if dead:
        for other, arn in arns.items():
            if arn == dead:
                return url, other
        sys.exit(f"{dead} is not a queue of this stack")
    own = attributes(sqs, url, "QueueArn")["QueueArn"]
    sources = [other for other in others if dead_letters_of(sqs, other) == own]
    if len(sources) != 1:
        sys.exit(f"{url} is the dead-letter queue of {len(sources)} queues of this stack; name the queue to move to")
    return sources[0], url


def copy_of(message):
    entry = {"Id": message["MessageId"], "MessageBody": message["Body"]}
    if "MessageAttributes" in message:
        entry["MessageAttributes"] = message["MessageAttributes"]
    system = message.get("Attributes", {})
    if "MessageGroupId" in system:
        entry["MessageGroupId"] = system["MessageGroupId"]
        # A new one: the old one would be taken for a duplicate within five minutes of the first delivery.
        entry["MessageDeduplicationId"] = message["ReceiptHandle"][-100:].replace("/", "-")
    if "AWSTraceHeader" in system:
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": {"StringValue": system["AWSTraceHeader"], "DataType": "String"}}
    return entry


def main():
    sqs = boto3.client("sqs")
    source, dead = ends(sqs, sys.argv[1], sys.argv[2:])
    waiting = int(attributes(sqs, dead, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"])
    moved = 0
    while moved < waiting:
        messages = sqs.receive_message(
            QueueUrl=dead, MaxNumberOfMessages=min(BATCH, waiting - moved), MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"], VisibilityTimeout=60).get("Messages", [])
        if not messages:
            break
        sent = sqs.send_message_batch(QueueUrl=source, Entries=[copy_of(m) for m in messages])
        accepted = {entry["Id"] for entry in sent.get("Successful", [])}
        done = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in messages if m["MessageId"] in accepted]
        if done:
            sqs.delete_message_batch(QueueUrl=dead, Entries=done)
        moved += len(done)
        for refused in sent.get("Failed", []):
            sys.exit(f"{moved} moved, then {refused['Code']}: {refused.get('Message', '')}; the message stays in {dead}")
    print(f"{moved} of {waiting} messages moved from {dead.rsplit('/', 1)[-1]} to {source.rsplit('/', 1)[-1]}")


if __name__ == "__main__":
    main()
