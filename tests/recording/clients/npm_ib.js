// Connect with the npm package ib, which speaks the legacy dialect: HOST PORT. Waits as long as it does.
const IB = require("ib");

const ib = new IB({ host: process.argv[2], port: Number(process.argv[3]), clientId: 7 });
ib.on("nextValidId", () => setTimeout(() => ib.disconnect(), 300));
ib.on("error", (error) => console.log(String(error)));
ib.connect();
