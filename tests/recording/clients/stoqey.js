// Connect with @stoqey/ib: HOST PORT. Waits as long as it does.
const { IBApi, EventName } = require("@stoqey/ib");

const ib = new IBApi({ host: process.argv[2], port: Number(process.argv[3]), clientId: 7 });
ib.on(EventName.nextValidId, () => ib.reqCurrentTime());
ib.on(EventName.currentTime, () => ib.disconnect());
ib.on(EventName.error, (error, code) => console.log(code, error.message));
ib.connect();
