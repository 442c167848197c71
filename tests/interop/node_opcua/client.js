// A node-opcua client for the tests. One argument, JSON: {url, pki, certificate, privateKey, uri, trusted: [files], policy,
// mode, user, password}. Says "ready" when its session is up, or "refused WHY". Then a line on standard input is a request:
// "browse NODE", "read NODE", "watch NODE", "write NODE TYPE VALUE"; each is answered by a line of JSON, and each value
// of a watched node is told by another. Ends when its standard input ends.
"use strict";

const readline = require("readline");
const {
    AttributeIds,
    ClientMonitoredItem,
    ClientSubscription,
    DataType,
    MessageSecurityMode,
    OPCUACertificateManager,
    OPCUAClient,
    SecurityPolicy,
    TimestampsToReturn,
    UserTokenType,
} = require("node-opcua");
const { readCertificate } = require("node-opcua-crypto");

const told = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(`peer ${typeof what === "string" ? what : JSON.stringify(what)}\n`);

async function connect() {
    const manager = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: false, rootFolder: told.pki });
    await manager.initialize();
    for (const file of told.trusted || []) await manager.trustCertificate(readCertificate(file));
    const client = OPCUAClient.create({
        applicationUri: told.uri || "urn:node:client",
        clientCertificateManager: manager,
        ...(told.certificate ? { certificateFile: told.certificate, privateKeyFile: told.privateKey } : {}),
        securityPolicy: SecurityPolicy[told.policy || "None"],
        securityMode: MessageSecurityMode[told.mode || "None"],
        endpointMustExist: false,
        connectionStrategy: { maxRetry: 0, initialDelay: 100 },
    });
    await client.connect(told.url);
    const identity = told.user
        ? { type: UserTokenType.UserName, userName: told.user, password: told.password }
        : undefined;
    return [client, await client.createSession(identity)];
}

function plain(value) {
    return typeof value === "bigint" ? Number(value) : value;
}

function told_of(dataValue) {
    return { value: plain(dataValue.value ? dataValue.value.value : null), status: dataValue.statusCode.name };
}

async function answer(session, subscription, line) {
    const [verb, node, type, value] = line.split(" ");
    if (verb === "browse") {
        const found = await session.browse({ nodeId: node, resultMask: 63 });
        const references = found.references.map((each) => ({
            name: each.browseName.name, node: each.nodeId.toString(), class: each.nodeClass,
            type: each.typeDefinition ? each.typeDefinition.toString() : "",
        }));
        return { references };
    }
    if (verb === "read") return told_of(await session.read({ nodeId: node, attributeId: AttributeIds.Value }));
    if (verb === "watch") {
        const item = ClientMonitoredItem.create(
            subscription, { nodeId: node, attributeId: AttributeIds.Value },
            { samplingInterval: 0, queueSize: 10, discardOldest: true }, TimestampsToReturn.Both,
        );
        item.on("changed", (dataValue) => say({ watched: node, ...told_of(dataValue) }));
        return {};
    }
    if (verb === "write") {
        const dataType = DataType[type];
        const content = dataType === DataType.Boolean ? value === "true" : Number(value);
        const status = await session.write({
            nodeId: node, attributeId: AttributeIds.Value, value: { value: { dataType, value: content } },
        });
        return { status: status.name };
    }
    return { error: `no such request: ${line}` };
}

async function main() {
    let session;
    try {
        [, session] = await connect();
    } catch (error) {
        say(`refused ${error.message.split("\n")[0]}`);
        process.exit(0);
    }
    const subscription = ClientSubscription.create(session, { requestedPublishingInterval: 50, publishingEnabled: true });
    say("ready");
    const lines = readline.createInterface({ input: process.stdin });
    lines.on("close", () => process.exit(0));
    for await (const line of lines) {
        try {
            say(await answer(session, subscription, line));
        } catch (error) {
            say({ error: error.message });
        }
    }
}

main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
});
