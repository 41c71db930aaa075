//! The prefix tree of all canonical answers, grown where a walk goes.
//!
//! With 26 choices there are 2²⁶ − 1 answers, of which a walk sees at most 26 nodes' worth; so nothing else is encoded.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use medinjection_fr::record::ChoiceLabel;

use super::canonical;
use crate::chat::Chat;
use crate::{Error, Result};

/// One way on from a canonical answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// The letter that is added; `None` is the end of the turn.
    pub(super) label: Option<ChoiceLabel>,
    /// What the tokenizer writes for it there; not empty, and no branch's tokens begin another's.
    pub(super) tokens: Vec<i64>,
}

/// Context, letters so far, letters that may follow.
type Key = (String, Vec<ChoiceLabel>, Vec<ChoiceLabel>);

/// The tokenizer's own encodings of canonical answers.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    chat: &'a Chat,
    /// Rows share their nodes: they have the same few letters and the same opening of the model's turn.
    nodes: RefCell<BTreeMap<Key, Rc<[Branch]>>>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(chat: &'a Chat) -> Self {
        Self { chat, nodes: RefCell::new(BTreeMap::new()) }
    }

    /// The ways on from the answer `chosen`: each label of `labels` above its last, and the end unless nothing is chosen.
    ///
    /// `context` is the end of the prompt, from where on its text decides the tokens that follow.
    ///
    /// # Errors
    /// [`Error::Format`] if the tokens of an answer do not begin those of the answers that go on from it.
    pub(super) fn branches(
        &self,
        context: &str,
        chosen: &[ChoiceLabel],
        labels: &[ChoiceLabel],
    ) -> Result<Rc<[Branch]>> {
        let next: Vec<ChoiceLabel> =
            labels.iter().copied().filter(|label| chosen.last().is_none_or(|last| last < label)).collect();
        let key = (context.to_owned(), chosen.to_vec(), next);
        if let Some(node) = self.nodes.borrow().get(&key) {
            return Ok(Rc::clone(node));
        }
        let node: Rc<[Branch]> = self.grow(&key)?.into();
        self.nodes.borrow_mut().insert(key, Rc::clone(&node));
        Ok(node)
    }

    fn grow(&self, (context, chosen, next): &Key) -> Result<Vec<Branch>> {
        let so_far = format!("{context}{}", canonical(chosen));
        let separator = if chosen.is_empty() { "" } else { ", " };
        let mut branches = Vec::with_capacity(next.len() + 1);
        for &label in next {
            let tokens = self.chat.continuation_ids(&so_far, &format!("{separator}{label}"))?;
            branches.push(Branch { label: Some(label), tokens });
        }
        if !chosen.is_empty() {
            branches.push(Branch { label: None, tokens: vec![self.chat.end_of_turn()] });
        }
        for (index, branch) in branches.iter().enumerate() {
            if branch.tokens.is_empty() {
                let path = self.chat.tokenizer().path();
                let label = branch.label.map(|label| label.to_string()).unwrap_or_default();
                return Err(Error::format(path, format!("expected a token for {label} after {so_far:?}, found none")));
            }
            let begins = |other: &Branch| other.tokens.starts_with(&branch.tokens);
            if branches.iter().enumerate().any(|(other_index, other)| index != other_index && begins(other)) {
                let label = branch.label.map_or("the end of the turn".to_owned(), |label| label.to_string());
                let path = self.chat.tokenizer().path();
                return Err(Error::format(path, format!("cannot tell {label} from another letter after {so_far:?}")));
            }
        }
        Ok(branches)
    }
}
