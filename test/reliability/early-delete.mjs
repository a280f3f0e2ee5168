// A mutant, loaded by --import before the program: it sends DELE as soon as the messages have arrived, before their commit.
// It stands at the session's public face, so that no change behind it can make the mutant harmless unnoticed.
import { Session } from '../../dist/session.js'

const { retrieve } = Session.prototype

Session.prototype.retrieve = async function retrieveAndDelete(rows, receiver) {
  const all = [...rows]
  await retrieve.call(this, all, receiver)
  await this.delete(all)
}
