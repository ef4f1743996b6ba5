/** Renders components on a server, in strict mode. Prints the version of React, and fails if that would open a connection. */
import assert from 'node:assert/strict';
import {
  FieldInspector,
  FieldProvider,
  useConsciousnessBridge,
  useField,
  useStatus,
} from 'consciousness-field-client/react';
import { memoryStorage } from 'consciousness-field-client/storage/memory-storage';
import { createElement, StrictMode, version } from 'react';
import { renderToString } from 'react-dom/server';

globalThis.fetch = () => assert.fail('a server must not connect');
const source = { url: 'http://127.0.0.1:9', field: 'global', storage: memoryStorage() };
const Count = () =>
  createElement('b', null, `${useField(({ memoryParticles }) => memoryParticles.length)} ${useStatus()}`);
const Bridge = () => createElement('i', null, useConsciousnessBridge(source).pending);
const provider = createElement(FieldProvider, { source }, createElement(Count), createElement(FieldInspector));
const markup = renderToString(createElement(StrictMode, null, createElement(Bridge), provider));

assert.equal(markup, '<i>0</i><b>0 closed</b>');
console.log(version);
