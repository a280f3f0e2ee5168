// CommonJS, so that the build takes it in, and it is still looked for only when it is asked for.
module.exports = () => require('better-sqlite3')
