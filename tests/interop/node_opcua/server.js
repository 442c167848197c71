// A node-opcua server for the tests: a small turbine. One argument, JSON: {port, pki, certificate, privateKey, uri,
// trusted: [files], users: {name: password}, anonymous}. Says "ready" when it listens, "set NAME VALUE" for each value
// written to it and "called NAME" for a method; ends when its standard input ends.
"use strict";

const readline = require("readline");
const {
    DataType,
    MessageSecurityMode,
    OPCUACertificateManager,
    OPCUAServer,
    SecurityPolicy,
    StatusCodes,
    standardUnits,
} = require("node-opcua");

const told = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`peer ${line}\n`);
const NAMESPACE = "urn:turbines:node";

//: Name, type, first value, writable, units and range.
const VARIABLES = [
    ["ActivePower", DataType.Double, 1234.5, false, "kilowatt", [0, 2000]],
    ["AvailablePower", DataType.Float, 1500, false, "kilowatt", [0, 2000]],
    ["Setpoint", DataType.Double, 0, true, "kilowatt", [0, 2000]],
    ["Running", DataType.Boolean, true, false],
    ["WindSpeed", DataType.Float, 9.5, false, "metre_per_second", [0, 40]],
    ["Temperature", DataType.Int16, -12, false],
    ["Starts", DataType.UInt32, 4000000000, false],
    ["Maker", DataType.String, "Ålborg", false],
    ["Secret", DataType.Double, 7, true],
];

function certificates() {
    if (!told.certificate) return {};
    return { certificateFile: told.certificate, privateKeyFile: told.privateKey };
}

function populate(server) {
    const addressSpace = server.engine.addressSpace;
    const namespace = addressSpace.registerNamespace(NAMESPACE);
    const turbine = namespace.addObject({
        organizedBy: addressSpace.rootFolder.objects, browseName: "WTG01", nodeId: "s=WTG01",
    });
    const nodes = {};
    for (const [name, dataType, first, writable, units, range] of VARIABLES) {
        const options = {
            componentOf: turbine, browseName: name, nodeId: `s=WTG01.${name}`, dataType,
            accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
            userAccessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
            minimumSamplingInterval: 10,
        };
        const value = { dataType, value: first };
        nodes[name] = units
            ? namespace.addAnalogDataItem({
                ...options, engineeringUnitsRange: { low: range[0], high: range[1] },
                engineeringUnits: standardUnits[units], value,
            })
            : namespace.addVariable({ ...options, value });
        nodes[name].on("value_changed", (dataValue) => {
            if (writable) say(`set ${name} ${dataValue.value.value}`);
        });
    }
    const reset = namespace.addMethod(turbine, { browseName: "Reset", nodeId: "s=WTG01.Reset" });
    reset.bindMethod((inputs, context, callback) => {
        say("called Reset");
        callback(null, { statusCode: StatusCodes.Good, outputArguments: [] });
    });
    return nodes;
}

async function main() {
    const manager = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: false, rootFolder: told.pki });
    await manager.initialize();
    const { readCertificate } = require("node-opcua-crypto");
    for (const file of told.trusted || []) await manager.trustCertificate(readCertificate(file));
    const server = new OPCUAServer({
        port: told.port,
        host: "127.0.0.1",
        hostname: "127.0.0.1",
        resourcePath: "/turbine",
        serverInfo: { applicationUri: told.uri || "urn:node:server" },
        serverCertificateManager: manager,
        ...certificates(),
        allowAnonymous: told.anonymous !== false,
        securityPolicies: [
            SecurityPolicy.None, SecurityPolicy.Basic256Sha256,
            SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
        ],
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        userManager: { isValidUser: (name, password) => (told.users || {})[name] === password },
    });
    await server.initialize();
    const nodes = populate(server);
    await server.start();
    say("ready");
    // "NAME VALUE" on standard input puts a value
    const lines = readline.createInterface({ input: process.stdin });
    lines.on("line", (line) => {
        const [name, value] = line.split(" ");
        nodes[name].setValueFromSource(put(name, value));
    });
    lines.on("close", () => process.exit(0));
}

function put(name, value) {
    const dataType = VARIABLES.find(([one]) => one === name)[1];
    return { dataType, value: dataType === DataType.Boolean ? value === "true" : Number(value) };
}

main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
});
