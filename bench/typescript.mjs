// Lets this Node import the TypeScript of test/support, which bench/ shares with the tests. Import it first.
import { register } from 'node:module'

register('./typescript-hooks.mjs', import.meta.url)
