import { openEtcdSubject } from '../support/etcd-subject.ts';
import { consensusContract } from './consensus.contract.ts';

consensusContract('etcd 3.4', async () => openEtcdSubject('3.4'));
