import { render } from 'preact';
import './ui/tokens.css';
import './ui/base.css';
import { App } from './app';
import { clockStart } from './live/clock';
import { orphanStart } from './live/orphan';
import { socketStart } from './live/socket';
import { keysStart } from './ui/keys';
import { themeFollow } from './ui/theme';

themeFollow();
clockStart();
keysStart();
orphanStart();
socketStart();
render(<App />, document.getElementById('app')!);
