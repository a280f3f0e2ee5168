// Loaded by --require into each thread of the program. Appends to the file POPKEEP_TEST_LOADED, a line each, what dist/ asks
// for, which of its chunks V8 has run from cached data, and what is slow to make.
const { appendFileSync } = require('node:fs')
const Module = require('node:module')
const { basename } = require('node:path')
const vm = require('node:vm')
const threads = require('node:worker_threads')

const file = process.env.POPKEEP_TEST_LOADED
const thread = threads.isMainThread ? 'main' : 'writer'
const note = (what) => appendFileSync(file, `${thread} ${what}\n`)

const { _load: load } = Module
Module._load = function (request, parent, ...rest) {
  if (parent?.filename?.includes('/dist/')) note(request)
  return load.call(this, request, parent, ...rest)
}

const { compileFunction } = vm
vm.compileFunction = (source, parameters, options) => {
  const compiled = compileFunction(source, parameters, options)
  if (compiled.cachedDataRejected === false) note(`./${basename(options.filename)}.cached`)
  return compiled
}

// The same for what is imported.
if (threads.isMainThread) {
  const hook = `import { appendFileSync } from 'node:fs'
    export function resolve(specifier, context, next) {
      if (context.parentURL?.includes('/dist/')) {
        appendFileSync(${JSON.stringify(file)}, 'main ' + specifier + '\\n')
      }
      return next(specifier, context)
    }`
  Module.register(`data:text/javascript,${encodeURIComponent(hook)}`)
}

const { Segmenter } = Intl
Intl.Segmenter = class extends Segmenter {
  constructor(...parameters) {
    note('Intl.Segmenter')
    super(...parameters)
  }
}

const { Worker } = threads
threads.Worker = class extends Worker {
  constructor(...parameters) {
    note('Worker')
    super(...parameters)
  }
}
